"""How often a long-lived process of this machine looks for garbage that reference counts do not find."""

import gc

_NEW_OBJECTS = 20_000  # Python's own 700 are for small programs: here a sign-up makes some thousand


def collect_nothing_yet() -> None:
    """Call before much is loaded: modules are no garbage, and looking took a tenth of the start's CPU."""
    gc.disable()


def collect_rarely() -> None:
    """Call when everything is loaded: what is there by now stays for good and is not looked through again.

    Looking through hundreds of thousands of objects of modules and SDKs took 7 % of the CPU of a sign-up.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)
