"""The resources of the Stripe stand-in, put together: who listens to whom, and what time sets off."""

from collections.abc import Callable

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.balance_transactions import Balance, BalanceTransactions
from infra.local.stand_ins.stripe.bank_controls import BankControls
from infra.local.stand_ins.stripe.billed_time import BilledTime
from infra.local.stand_ins.stripe.catalog import Prices, Products
from infra.local.stand_ins.stripe.charges import Charges
from infra.local.stand_ins.stripe.checkout_discounts import CheckoutDiscounts
from infra.local.stand_ins.stripe.checkout_pages import CheckoutPages
from infra.local.stand_ins.stripe.checkout_payment import CheckoutPayment
from infra.local.stand_ins.stripe.checkout_sessions import CheckoutSessions
from infra.local.stand_ins.stripe.coupons import Coupons
from infra.local.stand_ins.stripe.credit_notes import CreditNotes
from infra.local.stand_ins.stripe.customer_at_the_page import CustomerAtThePage
from infra.local.stand_ins.stripe.customer_balance import CustomerBalance
from infra.local.stand_ins.stripe.customers import Customers
from infra.local.stand_ins.stripe.discounts import Discounts
from infra.local.stand_ins.stripe.disputes import Disputes
from infra.local.stand_ins.stripe.happenings import EventLog, WebhookEndpoints
from infra.local.stand_ins.stripe.hosted_pages import HostedPages
from infra.local.stand_ins.stripe.invoice_drafts import InvoiceDrafts
from infra.local.stand_ins.stripe.invoice_items import InvoiceItems
from infra.local.stand_ins.stripe.invoice_payments import InvoicePayments
from infra.local.stand_ins.stripe.invoice_previews import InvoicePreviews
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.line_items import LineItems
from infra.local.stand_ins.stripe.meters import Meters
from infra.local.stand_ins.stripe.outside_payments import OutsidePayments
from infra.local.stand_ins.stripe.passing_time import PassingTime, TestClocks
from infra.local.stand_ins.stripe.payment_links import PaymentLinks
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods
from infra.local.stand_ins.stripe.payments import CLEARING_SECONDS, PaymentIntents
from infra.local.stand_ins.stripe.portal import Portal, PortalPages
from infra.local.stand_ins.stripe.promotion_codes import PromotionCodes
from infra.local.stand_ins.stripe.refunds import Refunds
from infra.local.stand_ins.stripe.resource import Resource
from infra.local.stand_ins.stripe.setup_intents import SetupIntents
from infra.local.stand_ins.stripe.subscription_changes import SubscriptionChanges
from infra.local.stand_ins.stripe.subscription_items import SubscriptionItems
from infra.local.stand_ins.stripe.subscription_life import SubscriptionLife
from infra.local.stand_ins.stripe.subscription_pauses import SubscriptionPauses
from infra.local.stand_ins.stripe.subscription_schedules import SubscriptionSchedules
from infra.local.stand_ins.stripe.subscription_updates import SubscriptionUpdates
from infra.local.stand_ins.stripe.subscriptions import Subscriptions
from infra.local.stand_ins.stripe.usage_lines import UsageLines


class Resources:
    """Everything that the API answers with.

    Attributes:
        all: the resources, in the order of their routes.
        pages: handlers of what a customer sees, by operation.
        hosted, customer, banks: what controls move, beside the API.
        time: what is due happens through it.
    """

    def __init__(self, account: Account, config: Config) -> None:
        methods = PaymentMethods(account)
        clearing = int(config.options.get("clearing_seconds", CLEARING_SECONDS))
        intents = PaymentIntents(account, methods, clearing)
        setups = SetupIntents(account, methods)
        discounts = Discounts(account)
        billed, balance = BilledTime(account), CustomerBalance(account)
        pending = InvoiceItems(account, billed)
        meters = Meters(account)
        usage = UsageLines(account, meters)
        drafts = InvoiceDrafts(account, discounts, pending, billed, usage)
        invoices = Invoices(account, methods, intents, balance)
        invoices.finalizing = usage.count_again
        life = SubscriptionLife(account, invoices, drafts)
        subscribed = SubscriptionItems(account)
        subscriptions = Subscriptions(account, methods, invoices, drafts, setups, subscribed, life, discounts)
        changes = SubscriptionChanges(account, subscribed, drafts, pending, billed, discounts, usage)
        pauses = SubscriptionPauses(account, invoices, changes, life)
        updates = SubscriptionUpdates(account, methods, invoices, pending, changes, life, pauses, discounts)
        schedules = SubscriptionSchedules(account, changes, life, discounts)
        customers, items = Customers(account, methods, subscriptions), LineItems(account)
        reduced = CheckoutDiscounts(account, items, discounts)
        payment = CheckoutPayment(
            account, items, methods, customers, subscriptions, invoices, intents, setups, reduced
        )
        sessions = CheckoutSessions(account, items, payment, reduced)
        links = PaymentLinks(account, items, sessions, payment)
        refunds = Refunds(account, clearing)
        disputes = Disputes(account)
        intents.listeners.append(disputes.payment_succeeded)  # the last to hear of it
        self.banks = BankControls(account, intents, disputes)
        strikes: dict[str, Callable[[str], None]] = {
            "subscription": life.time_passed,
            "invoice": invoices.time_passed,
            "payment_intent": intents.clear,
            "checkout.session": payment.time_passed,
            "refund": refunds.time_passed,
            "dispute": disputes.time_passed,
        }
        self.time = PassingTime(account, strikes)
        self.hosted = HostedPages(account, methods, invoices, intents, setups)
        pages = self.hosted.routes() | CheckoutPages(account, items, payment, links).routes()
        pages |= PortalPages(account).routes()
        self.customer = CustomerAtThePage(account, pages, payment, invoices)
        resources: list[Resource] = [Products(account), Prices(account), methods, setups, intents]
        resources += [customers, subscriptions, updates, schedules, subscribed, invoices, sessions, links]
        resources += [pending, balance]
        resources += [
            InvoicePreviews(account, drafts, pending, subscriptions, updates, life, invoices.previews)
        ]
        resources += [
            Charges(account),
            refunds,
            disputes,
            BalanceTransactions(account),
            TestClocks(account, self.time),
        ]
        resources += [InvoicePayments(account), Coupons(account), PromotionCodes(account)]
        resources += [meters, Portal(account), OutsidePayments(account, invoices)]
        resources += [CreditNotes(account, invoices, balance, refunds)]
        resources += [EventLog(account), WebhookEndpoints(account), Balance(account)]
        self.all, self.pages = resources, pages
