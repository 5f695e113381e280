"""The words of each state of an order. order_status.py decides on the state."""

#: For each state the page's title (short, for a tab in the background), headline and sentence.
WORDS = {
    "waiting": (
        "Confirming your payment",
        "Thanks, we are confirming your payment",
        "{provider} tells us as soon as the payment is through. This page updates by itself.",
    ),
    "left": (
        "Not paid?",
        "You came back without paying?",
        "{provider} says so, but has not confirmed it yet. If you did not pay, you can try again. "
        "If you did, just wait: this page updates by itself.",
    ),
    "closed": (
        "Payment page closed",
        "The payment page has closed",
        "{provider} has not told us of a payment. If you did not pay, you can start again. "
        "If you did, just wait: this page updates by itself.",
    ),
    "scan": (
        "Scan to pay",
        "Scan to pay {asked}",
        "Open your banking app and scan this code. This page updates by itself.",
    ),
    "code_expired": (
        "Code expired",
        "This code has expired",
        "If you have just paid with it, wait a moment: this page updates by itself. If not, take "
        "a new one.",
    ),
    "partial": (
        "Partly paid",
        "Part of the payment has arrived",
        "{received} of it is here, {owed} is still open. You can pay the rest on the same page.",
    ),
    "paid": (
        "Paid",
        "Thank you. Your order is paid.",
        "{letter}",
    ),
    "held": (
        "Payment arrived",
        "Your payment has arrived, and a person is looking at it",
        "Something about it needs a second look. You need not do anything, and please do not pay "
        "again. If nothing has changed here within a day, write to us with your order number.",
    ),
    "short": (
        "Partly paid",
        "Part of the payment has arrived",
        "{received} of it is here, {owed} did not come in time. A person looks at it within a day. "
        "If nothing has changed here by then, write to us with your order number.",
    ),
    "stopped": (
        "Order stopped",
        "Your order is stopped",
        "{gone} Nothing more of it leaves us, and what it opened (downloads, books to read, gift "
        "cards) is closed. If nothing has changed here within a day, write to us with your order "
        "number.",
    ),
    "refunded": (
        "Money back",
        "You get your money back",
        "It goes back the way it came; banks take a few days to show it. If it does not come, "
        "write to us with your order number.",
    ),
    "replaced": (
        "Another order is paid",
        "You paid another order instead",
        "Order {instead} took the place of this one and is paid. Nothing was charged for this one. "
        "What is still in your cart can be ordered as usual.",
    ),
    "twice": (
        "Money back",
        "You paid twice, and get this money back",
        "Order {instead} took the place of this one and is paid. This payment goes back the way it "
        "came. If it does not come, write to us with your order number.",
    ),
    "unpaid": (
        "Not paid yet",
        "This order is not paid yet",
        "Nothing was charged. Choose how you would like to pay.",
    ),
    "failed": (
        "Payment failed",
        "The payment did not go through",
        "{reason} Nothing was charged. You can try again, or pay another way.",
    ),
    "canceled": (
        "Payment canceled",
        "The payment was canceled",
        "Nothing was charged. Your cart is as you left it, and so is this order.",
    ),
    "expired": (
        "Payment page expired",
        "The payment page was open for too long",
        "We have had no payment for this order. You can start again whenever you like.",
    ),
}
#: In place of the sentence of "paid" while a task is overdue.
LATE = (
    "Your payment is safe. Preparing your order takes longer than usual: you need not do anything, "
    "and this page updates by itself."
)
#: What happened to the money of a paid order: ``Payment.dispute``, or a refund that is "asked" for
#: here, or was made elsewhere, of a "part".
GONE = {
    "opened": "Your bank was asked to take this payment back, so a person looks at your order.",
    "lost": "Your bank took this payment back, so a person looks at your order.",
    "doubted": "We are asking whether your payment is still there: reload this page in a minute.",
    "undone": "Your payment was undone after it had arrived, so a person looks at your order.",
    "asked": "We have asked for your money to be sent back to you.",
    "part": "Some of this payment went back to you, so a person looks at your order.",
}
#: Added to the sentence of "refunded", or in its place where a gift card paid all of the order.
TO_THE_CARD = " {credit} is back on your gift card, and its code pays as before."
