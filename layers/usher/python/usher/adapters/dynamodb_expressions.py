"""The store port's writes and conditions as DynamoDB's request parameters, all names and values escaped."""

from typing import Any

from usher.adapters.dynamodb_json import encode, encode_value
from usher.ports.store import (
    Absent,
    AtLeast,
    AtMost,
    BeginsWith,
    Both,
    Check,
    Condition,
    Delete,
    Either,
    Equals,
    OneOf,
    Put,
    Update,
    Write,
)


class Expression:
    """Collects the names and values of one request's expressions."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}  # attribute -> placeholder
        self._values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        """The attribute's placeholder; the same attribute always gets the same."""
        return self._names.setdefault(attribute, f"#n{len(self._names)}")

    def value(self, value: Any, attribute: str) -> str:
        """A placeholder for a value of this attribute."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = encode_value(value, attribute)
        return placeholder

    def condition(self, condition: Condition) -> str:
        """The condition as text."""
        match condition:
            case Both(conditions):
                return " AND ".join(f"({self.condition(each)})" for each in conditions)
            case Either(conditions):
                return " OR ".join(f"({self.condition(each)})" for each in conditions)
            case OneOf(attribute, values):
                name = self.name(attribute)
                return f"{name} IN ({', '.join(self.value(each, attribute) for each in values)})"
            case BeginsWith(attribute, prefix):
                return f"begins_with({self.name(attribute)}, {self.value(prefix, attribute)})"
            case Absent(attribute):
                return f"attribute_not_exists({self.name(attribute)})"
            case Equals(attribute, value):
                return f"{self.name(attribute)} = {self.value(value, attribute)}"
            case AtMost(attribute, value):
                return f"{self.name(attribute)} <= {self.value(value, attribute)}"
            case AtLeast(attribute, value):
                return f"{self.name(attribute)} >= {self.value(value, attribute)}"
        return f"attribute_exists({self.name(condition.name)})"

    def update(self, update: Update) -> str:
        """What an Update changes, as text."""
        clauses = {
            "SET": [f"{self.name(n)} = {self.value(value, n)}" for n, value in update.set.items()],
            "ADD": [f"{self.name(n)} {self.value(amount, n)}" for n, amount in update.add.items()],
            "REMOVE": [self.name(n) for n in update.remove],
        }
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)

    def parameters(self) -> dict[str, Any]:
        """The request parameters that resolve the placeholders."""
        parameters: dict[str, Any] = {}
        if self._names:
            parameters["ExpressionAttributeNames"] = {
                placeholder: name for name, placeholder in self._names.items()
            }
        if self._values:
            parameters["ExpressionAttributeValues"] = self._values
        return parameters


_KINDS = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}


def request(write: Write, table_name: str) -> tuple[str, dict[str, Any]]:
    """The write as an entry of TransactWriteItems: its kind, and parameters that a lone request takes too."""
    expression = Expression()
    parameters: dict[str, Any] = {"TableName": table_name}
    if isinstance(write, Put):
        parameters["Item"] = encode(write.item)
    else:
        parameters["Key"] = encode(dict(write.key))
    if isinstance(write, Update):
        parameters["UpdateExpression"] = expression.update(write)
    if write.if_ is not None:
        parameters["ConditionExpression"] = expression.condition(write.if_)
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return _KINDS[type(write)], parameters | expression.parameters()
