"""Records: accounts, sign-ups, subscriptions, events, ... written once, on the store port."""
