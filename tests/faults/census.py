"""The census: what all systems hold and what our records say, counted and compared sign-up by sign-up."""

from collections import Counter
from typing import Any

from tests.faults.vendors import Objects
from usher.domain.stripe_events import FOLLOWED
from usher.ports.store import Item

Records = dict[str, list[Item]]

# What one active sign-up leaves at each vendor. Money and its papers depend on the plan's price and trial.
ALWAYS = {
    "stripe": {"customer": 1, "subscription": 1, "invoice": 1},
    "product": {"identity": 1, "tenant": 1, "subdomain": 1, "flags": 1, "api_key": 1, "credit": 1},
    "hubspot": {"contacts": 1, "companies": 1, "subscription": 1, "association": 3},
    "postmark": {"message": 1},
    "slack": {},
}
PAID = {"payment_intent": 1, "invoice_payment": 1, "charge": 1, "balance_transaction": 1}
ONCE = (
    "account.created",
    "plan.selected",
    "subscription.created",
    "invoice.generated",
    "account.activated",
    "onboarding.completed",
)


class Census:
    """Everything there is. Its methods raise AssertionError saying what is too much, missing or unequal."""

    def __init__(self, objects: Objects, records: Records) -> None:
        self.objects, self.records = objects, records

    def counts(self) -> dict[str, dict[str, int]]:
        """How many objects of each kind each vendor holds."""
        return {
            vendor: {kind: len(held) for kind, held in kinds.items()}
            for vendor, kinds in self.objects.items()
        }

    def active(
        self, *, people: int = 1, paid: int | None = None, cards: int | None = None, posts: int = 0
    ) -> None:
        """Exactly `people` sign-ups, all active, with one of everything and nothing else anywhere.

        Args:
            paid: how many of them paid at once; all when None.
            cards: how many brought a card; as many as paid when None.
            posts: how many messages to the operators were due on the way; several may come in one post.
        """
        paid = people if paid is None else paid
        cards = paid if cards is None else cards
        expected = {
            vendor: {kind: n * people for kind, n in kinds.items()} for vendor, kinds in ALWAYS.items()
        }
        expected["stripe"] |= {kind: n * paid for kind, n in PAID.items()} | {"payment_method": cards}
        expected["stripe"] = {kind: n for kind, n in expected["stripe"].items() if n}
        found = self.counts()
        assert (posts and 1) <= found.pop("slack").get("message", 0) <= posts
        assert found == {vendor: kinds for vendor, kinds in expected.items() if vendor != "slack"}
        signups = self.records["signups"]
        assert Counter(row["status"] for row in signups) == {"active": people}
        assert {row["stage"] for row in signups} == {"welcomed"}
        for row in signups:
            self._equals_the_vendors(row)
        self._tells_each_thing_once(people)
        for table in ("accounts", "users", "mails", "subscriptions", "invoices"):
            assert len(self.records[table]) == people, table
        claims = Counter(row["claim"].partition("#")[0] for row in self.records["claims"])
        assert claims["email"] == people  # those to a trial are beside them
        assert len(self.records["payments"]) == paid
        self.nothing_is_pending()
        self.billing_equals_stripes()

    def rolled_back(self, *, refunded: bool, told: bool = False) -> None:
        """Every sign-up came to nothing: no vendor holds anything that lives, nothing was made twice.

        Args:
            refunded: whether money moved: it went back in full, and the customer is kept, marked as closed.
            told: whether the CRM may have heard of it before.
        """
        people = len(self.records["signups"])
        assert Counter(row["status"] for row in self.records["signups"]) == {"rolled_back": people}
        assert Counter(row["status"] for row in self.records["accounts"]) == {"closed": people}
        assert living(self.objects) == {}
        found = self.counts()
        assert found["product"] == {}
        assert "message" not in found["postmark"]
        assert told or found["hubspot"] == {}
        kept = [each for each in self.objects["stripe"].get("customer", ()) if not each.get("deleted")]
        charged = [each for each in self.objects["stripe"].get("charge", ()) if each["status"] != "failed"]
        moved = (len(kept), len(charged), found["stripe"].get("refund", 0))
        assert moved == ((people,) * 3 if refunded else (0, 0, 0))
        booked = found["stripe"].pop("balance_transaction", 0)
        assert booked == len(charged) + found["stripe"].get("refund", 0)  # Stripe's own books
        assert all(count <= people for count in found["stripe"].values())
        assert all(count <= people for kind, count in found["hubspot"].items() if kind != "association")
        for row in self.records["signups"]:
            failure = row["failure"]
            assert failure["step"] == row["verdict"]["step"] and failure["reason"]
            assert self.events(row["account_id"]).count("onboarding.rolled_back") == 1
        self._numbers_each_event_once()
        self.nothing_is_pending()
        self.billing_equals_stripes()

    def since(self, before: "Census") -> "Census":
        """What came after an earlier census, whose every object is still there as it was.

        Only a contact may have changed: HubSpot keeps one of each person.
        """
        objects: Objects = {}
        for vendor, kinds in self.objects.items():
            objects[vendor] = {}
            for kind, held in kinds.items():
                former = {each["id"]: each for each in before.objects[vendor].get(kind, ())}
                now = {each["id"]: each for each in held}
                assert former.keys() <= now.keys(), f"{vendor} lost a {kind}"
                same = {id for id, each in former.items() if now[id] == each}
                assert kind == "contacts" or same == former.keys(), f"{vendor} changed a {kind}"
                if new := [each for id, each in now.items() if id not in same]:
                    objects[vendor][kind] = new
        records = {
            table: [row for row in rows if row not in before.records[table]]
            for table, rows in self.records.items()
        }
        return Census(objects, records)

    def nothing_is_pending(self) -> None:
        """No event waits for anything, of vendors or of ours."""
        assert self.records["outbox"] == []
        pending = [(r["event_id"], r["state"]) for r in self.records["inbox"] if r["state"] != "done"]
        assert pending == [], f"not dealt with: {pending}"
        heard = {row["type"] for row in self.records["inbox"] if row["source"] == "stripe"}
        assert heard <= set(FOLLOWED)  # anything else would be a request for nothing

    def billing_equals_stripes(self) -> None:
        """Our subscriptions, invoices and payments are Stripe's, one by one, in status and amounts."""
        stripe = self.objects["stripe"]
        ours = {
            row["subscription_id"]: (row["status"], row["cancel_at_period_end"], row["customer_id"])
            for row in self.records["subscriptions"]
        }
        assert ours == {
            each["id"]: (each["status"], each["cancel_at_period_end"], each["customer"])
            for each in stripe.get("subscription", ())
        }
        assert {
            row["invoice_id"]: (row["status"], row["amount_due_minor"], row["amount_paid_minor"])
            for row in self.records["invoices"]
        } == {
            each["id"]: (each["status"], each["amount_due"], each["amount_paid"])
            for each in stripe.get("invoice", ())
        }
        assert {
            row["payment_id"]: (row["status"], row["amount_minor"])
            for row in self.records["payments"]
            if row.get("method") != "offline"  # a record of Stripe's, and no intent
        } == {
            each["id"]: (_ours(each["status"]), each["amount"]) for each in stripe.get("payment_intent", ())
        }

    def events(self, account_id: str) -> list[str]:
        """The types of an account's events, in order."""
        mine = [row for row in self.records["events"] if row["account_id"] == account_id]
        return [row["type"] for row in sorted(mine, key=lambda row: int(row["sequence"]))]

    def _tells_each_thing_once(self, people: int) -> None:
        told = Counter(row["type"] for row in self.records["events"])
        assert {kind: told[kind] for kind in ONCE} == dict.fromkeys(ONCE, people)
        self._numbers_each_event_once()

    def _numbers_each_event_once(self) -> None:
        events = Counter((row["account_id"], row["sequence"]) for row in self.records["events"])
        assert set(events.values()) == {1}
        for account in {account for account, _ in events}:
            numbers = sorted(int(number) for owner, number in events if owner == account)
            assert numbers == list(range(1, len(numbers) + 1))

    def _equals_the_vendors(self, row: Item) -> None:
        """The ids on the master record and on the account are those of the one object each vendor holds."""
        account = row["account_id"]
        customer = self._one("stripe", "customer", account, "metadata", "account_id")
        subscription = self._one("stripe", "subscription", account, "metadata", "account_id")
        invoice = self._one("stripe", "invoice", customer["id"], "customer")
        identity = self._one("product", "identity", account, "account_id")
        tenant = self._one("product", "tenant", account, "account_id")
        part = {
            kind: self._one("product", kind, tenant["id"], "tenant_id")
            for kind in ("subdomain", "flags", "api_key", "credit")
        }
        contact, company, deal = (
            self._one("hubspot", kind, account, "properties", "usher_account_id")
            for kind in ("contacts", "companies", "subscription")
        )
        mail = self._one("postmark", "message", f"welcome/{row['signup_id']}", "Metadata", "mail_id")
        assert subscription["customer"] == customer["id"]
        assert invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
        assert part["credit"]["grant"] == f"signup-{row['signup_id']}"
        assert deal["properties"]["usher_subscription_id"] == subscription["id"]
        ids = {
            "customer_id": customer["id"],
            "subscription_id": subscription["id"],
            "identity_id": identity["id"],
            "tenant_id": tenant["id"],
            "subdomain": part["subdomain"]["subdomain"],
            "api_key_id": part["api_key"]["id"],
            "contact_id": contact["id"],
            "company_id": company["id"],
            "subscription_object_id": deal["id"],
            "welcome_message_id": mail["MessageID"],
        }
        assert {name: row.get(name) for name in ids} == ids
        held = next(each for each in self.records["accounts"] if each["account_id"] == account)
        assert held["status"] == "active"
        merged = ("customer_id", "subscription_id", "tenant_id", "subdomain", "api_key_id")
        assert {name: held.get(name) for name in merged} == {name: ids[name] for name in merged}

    def _one(self, vendor: str, kind: str, wanted: str, *path: str) -> dict[str, Any]:
        found = []
        for each in self.objects[vendor].get(kind, ()):
            value: Any = each
            for name in path:
                value = (value or {}).get(name)
            if value == wanted:
                found.append(each)
        assert len(found) == 1, f"{vendor} holds {len(found)} of kind {kind} for {wanted}"
        return found[0]


def _ours(status: str) -> str:
    """Our word for a payment that nobody has tried to make yet."""
    return "open" if status == "requires_payment_method" else status


def living(objects: Objects) -> Objects:
    """The objects that are in use: neither ended nor deleted, refunded, closed or withdrawn."""
    alive = {
        vendor: {
            kind: found for kind, held in kinds.items() if (found := [o for o in held if _lives(kind, o)])
        }
        for vendor, kinds in objects.items()
        if vendor in ("stripe", "product", "hubspot")
    }
    return {vendor: kinds for vendor, kinds in alive.items() if kinds}


def _lives(kind: str, each: dict[str, Any]) -> bool:
    """A kind without a life of its own hangs on one that has."""
    properties = each.get("properties", {})
    match kind:
        case "customer":
            return not each.get("deleted") and each["metadata"].get("usher_closed") != "true"
        case "subscription" if "usher_subscription_id" in properties:
            return bool(properties.get("status") != "rolled_back")
        case "subscription":
            return str(each["status"]) not in ("canceled", "incomplete_expired")
        case "invoice":
            return str(each["status"]) in ("draft", "open")
        case "payment_intent":
            return str(each["status"]) not in ("succeeded", "canceled")
        case "charge":
            return str(each["status"]) != "failed" and int(each["amount_refunded"]) < int(each["amount"])
        case "checkout.session":
            return str(each["status"]) == "open"
        case "contacts" | "companies":
            return bool(properties.get("plan_tier"))
        case "payment_link":
            return bool(each["active"])
        case "team" | "identity" | "tenant" | "subdomain" | "flags" | "api_key" | "credit":
            return True
        case _:
            return False


def of(world: Any) -> Census:
    """The census of a world as it is now."""
    return Census(world.vendors.objects(), world.records())
