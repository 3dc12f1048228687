"""What an Update makes of an item, and which updates DynamoDB would refuse."""

from infra.local.store import items
from infra.local.store.layout import Layout
from usher.ports.store import Item, StoreRefused, Update


def check(write: Update, layout: Layout) -> None:
    """Raises StoreRefused for what DynamoDB would refuse before it looks at the item."""
    for name in (*write.set, *write.add, *write.remove):
        if layout.is_key(name):
            raise StoreRefused(f"{write.table}: an update cannot change the key attribute {name}")
    items.check(write.set, "item", -1)


def applied(write: Update, item: Item) -> Item:
    """The item changed in place. Raises StoreRefused when something else than integers would be added."""
    item.update(write.set)
    for name, amount in write.add.items():
        before = item.get(name, 0)
        if type(before) is not int or type(amount) is not int:
            raise StoreRefused(
                f"{write.table}: {name} is a {type(before).__name__}; only integers are added to"
            )
        item[name] = before + amount
        items.check(item[name], name)
    for name in write.remove:
        item.pop(name, None)
    return item
