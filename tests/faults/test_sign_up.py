"""The crash-free run of each path, which every other story of this folder is measured by (B2)."""

from tests.faults import census
from tests.faults.world import World


def test_a_card_a_trial_and_a_free_sign_up_each_leave_one_of_everything(world: World) -> None:
    world.sign_up("ada")
    world.sign_up("bo", plan="starter-monthly", trial=True)
    world.sign_up("cy", plan="starter-yearly", payment_method=None, trial=True)
    world.sign_up("di", plan="free", payment_method=None)
    world.settle()
    census.of(world).active(people=4, paid=1, cards=2)
    assert [each["status"] for each in world.executions()] == ["SUCCEEDED"] * 4
