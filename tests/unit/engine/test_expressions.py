"""JSONata as Step Functions evaluates it: what exists where, what nothing is, what the fast lane answers."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.engine import expressions
from infra.local.engine.errors import StateError
from infra.local.engine.expressions import UNDEFINED, ExpressionRefused, compile_template, fast_lane
from tests.unit.engine.world import World, step, task


def evaluate(expression: str, input: Any = None, **variables: Any) -> Any:
    return compile_template(f"{{% {expression} %}}", "Output")({"states": {"input": input}, **variables})


@pytest.mark.parametrize(
    "expression", ["$states.input.missing", "$nobody", "$states.input.list[9]", "$states.input.nil.deeper"]
)
def test_an_expression_without_a_value_fails(expression: str) -> None:
    """AWS Step Functions, "Transforming data with JSONata": undefined gives States.QueryEvaluationError."""
    with pytest.raises(StateError, match="returned nothing") as caught:
        evaluate(expression, {"list": [1], "nil": None})
    assert caught.value.error == "States.QueryEvaluationError"


@pytest.mark.parametrize("expression", ["$states.input.nil", "$nothing", "null", "$states.input.list[1]"])
def test_null_is_a_value(expression: str) -> None:
    """JSONata, "Null": null is data, unlike a path that leads nowhere."""
    assert evaluate(expression, {"nil": None, "list": [1, None]}, nothing=None) is None


def test_an_error_inside_jsonata_is_a_query_evaluation_error() -> None:
    """AWS Step Functions, "Handling errors": States.QueryEvaluationError."""
    with pytest.raises(StateError) as caught:
        evaluate("$states.input + 1", "text")
    assert caught.value.error == "States.QueryEvaluationError"


def test_a_function_is_not_data() -> None:
    """AWS Step Functions, "Transforming data with JSONata": a result must be representable as JSON."""
    with pytest.raises(StateError, match="function"):
        evaluate("$sum")


def test_a_path_over_an_array_maps_and_a_single_match_is_unwrapped() -> None:
    """JSONata, "Sequences": one match is that value, several are an array, so an index must say which."""
    several = {"items": [{"id": 1}, {"id": 2}]}
    one = {"items": [{"id": 1}]}
    assert evaluate("$states.input.items.id", several) == [1, 2]
    assert evaluate("$states.input.items.id", one) == 1
    assert evaluate("$states.input.items[0].id", several) == 1


def test_an_array_itself_stays_an_array() -> None:
    """JSONata, "Sequences": only sequences made by a query are unwrapped, not arrays in the data."""
    assert evaluate("$states.input.one", {"one": [5]}) == [5]
    assert evaluate("$states.input.none", {"none": []}) == []


def test_a_missing_member_of_a_constructed_object_is_left_out() -> None:
    """JSONata, "Object constructors": a pair whose value is undefined is not added."""
    assert evaluate('{"a": $states.input.a, "b": $states.input.b}', {"a": None}) == {"a": None}


def test_a_range_has_both_its_ends() -> None:
    """JSONata, "Array constructors": the range operator is inclusive."""
    assert evaluate("[1..3]") == [1, 2, 3]


def test_only_whole_strings_are_expressions() -> None:
    """States Language, "JSONata": a string that starts with {% and ends with %}."""
    template = compile_template({"a": "x {% 1 %} y", "b": ["{% 1 + 1 %}"], "c": "$states.input"}, "Output")
    assert template({}) == {"a": "x {% 1 %} y", "b": [2], "c": "$states.input"}


@pytest.mark.parametrize("template", [" {% 1 %}", "{% 1 %} ", "{% 1 "])
def test_an_almost_expression_is_refused(template: str) -> None:
    with pytest.raises(ExpressionRefused, match="whole string"):
        compile_template(template, "Output")


@pytest.mark.parametrize(
    "function", ["$now()", "$millis()", "$random()", '$eval("1")', "$uuid()", "$hash(1)"]
)
def test_functions_that_would_differ_after_a_restart_or_are_unknown_are_refused(function: str) -> None:
    with pytest.raises(ExpressionRefused, match="is not supported"):
        compile_template(f"{{% {function} %}}", "Output")


def test_a_function_of_the_expression_itself_is_its_own_affair() -> None:
    assert evaluate("( $double := function($x){ $x * 2 }; $double(4) )") == 8
    assert evaluate('"$now() is only text"') == "$now() is only text"


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("$states.result", "result"),
        ("$states.errorOutput.Error", "errorOutput"),
        ("$states.context.Task.Token", "context.Task"),
        ("$states.context.Map.Item.Value", "context.Map"),
        ("$states.output", "no field output"),
    ],
)
def test_states_fields_exist_only_where_they_mean_something(expression: str, missing: str) -> None:
    """AWS Step Functions, "Reserved variable: $states": result after success, errorOutput in a Catch."""
    with pytest.raises(ExpressionRefused, match=missing.replace(".", r"\.")):
        compile_template(f"{{% {expression} %}}", "Arguments")


def test_broken_syntax_is_refused() -> None:
    with pytest.raises(ExpressionRefused, match="is not JSONata"):
        compile_template("{% $states.input.( %}", "Output")


def test_the_input_of_a_state_cannot_be_changed_by_the_function_it_goes_to(world: World) -> None:
    """A Lambda function gets a copy over the wire; a local one must not reach into the engine."""

    def mutating(payload: Any) -> None:
        payload["deep"]["list"].append("mine")

    world.function("work", mutating)
    states = {
        "A": task(payload="{% $states.input %}", Assign={"seen": "{% $states.input %}"}, Next="B"),
        "B": step("Pass", Output="{% $seen %}"),
    }
    assert world.output(states, {"deep": {"list": []}}) == {"deep": {"list": []}}


# -- the fast lane ------------------------------------------------------------------------------------------

_names = st.sampled_from(["a", "b", "c"])
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "1"]) | st.just(1.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=12,
)
_paths = st.builds(
    lambda root, steps: root + "".join(steps),
    st.sampled_from(["$states.input", "$v", "$gone"]),
    st.lists(_names.map(".{}".format) | st.integers(0, 2).map("[{}]".format), max_size=4),
)
_comparisons = st.builds(
    lambda path, operator, literal: f"{path} {operator} {literal}",
    _paths,
    st.sampled_from(["=", "!="]),
    st.sampled_from(["'x'", '"1"', "1", "-2", "0", "true", "false"]),
)


@settings(max_examples=400, deadline=None)
@given(expression=_paths | _comparisons, input=_values, variable=_values)
def test_the_fast_lane_answers_what_jsonata_answers(expression: str, input: Any, variable: Any) -> None:
    bindings = {"states": {"input": input}, "v": variable}
    lane = fast_lane(expression)
    assert lane is not None
    fast = lane(bindings)
    if fast is expressions._FALL_BACK:
        return
    slow = expressions._jsonata(expression)(bindings)
    assert (fast is UNDEFINED) == (slow is UNDEFINED)
    assert fast is UNDEFINED or (type(fast), fast) == (type(slow), slow) or math.isclose(fast, slow)


def test_the_fast_lane_takes_ordinary_paths() -> None:
    bindings = {"states": {"input": {"items": [{"id": "x"}]}}, "kind": "card"}
    for expression, value in (
        ("$states.input.items[0].id", "x"),
        ("$kind = 'card'", True),
        ("$kind", "card"),
    ):
        lane = fast_lane(expression)
        assert lane is not None
        assert lane(bindings) == value
    assert fast_lane("$kind & 'x'") is None
