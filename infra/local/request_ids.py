"""Ids for requests and messages in the shape of a version 4 UUID, without a system call for each."""

import random


def request_id() -> str:
    """A new id. It is unique, not secret: reading the system's entropy lets go of the interpreter's lock, and
    on a busy machine getting that back costs more than everything else a request does here."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
