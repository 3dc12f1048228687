"""What a part of a billing period costs, in minor units; pure."""


def share(amount: int, start: int, end: int, moment: int) -> int:
    """The part of `amount`, which is for `start` to `end`, that falls on `moment` to `end`.

    Counted by the second and rounded half up to the minor unit. `moment` outside the stretch is moved to its
    nearer end. Source: docs.stripe.com/billing/subscriptions/prorations, whose preview gives -166 and 541 for
    445,540 of 2,678,400 seconds of 1000 and 3252.

    Raises:
        ValueError: `amount` is negative or the stretch is empty.
    """
    if amount < 0 or end <= start:
        raise ValueError(f"{amount} for {start} to {end} cannot be shared out")
    left, whole = end - min(max(moment, start), end), end - start
    return (2 * amount * left + whole) // (2 * whole)
