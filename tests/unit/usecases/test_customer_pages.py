"""The pages a customer sees from us."""

from usher.usecases.customer_pages import page


def test_no_other_site_can_show_our_page_in_a_frame_or_make_it_run_anything() -> None:
    policy = page(200, "Confirm", "Is this your address?", button="Yes").headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["frame-ancestors"] == rules["default-src"] == "'none'"  # default-src does not cover frames
    assert rules["form-action"] == "'self'"
