"""What is bought: the last piece, and a file."""

from tools.explore.stories import Scenario
from tools.explore.stories.moves import (
    PAID,
    START,
    after,
    at_the_checkout,
    deliver,
    do_own_work,
    fulfil,
    happens,
    mail_takes_no_files,
    open_downloads,
    pay_and_leave,
    press_pay,
    read_the_book,
    stock,
)


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            "the last piece is sold twice",
            after(
                stock("bud-vase", 1),
                at_the_checkout("bud-vase"),
                at_the_checkout("bud-vase", who="bob"),
                press_pay("mintcash"),
                press_pay("wipay", who="bob"),
            ),
            (pay_and_leave(), pay_and_leave(who="bob"), *PAID),
            ("paid/held", "paid/held"),  # as their webhooks come
        ),
        Scenario(
            "a parcel, a file, a gift card and a receipt",
            after(START, press_pay("mintcash"), pay_and_leave()),
            PAID,
        ),
        Scenario(
            "a file is fetched",
            after(START, press_pay("mintcash"), pay_and_leave(), *PAID),
            (open_downloads, open_downloads),
        ),
        Scenario(
            "a book is read",
            after(at_the_checkout("cookbook"), press_pay("mintcash"), pay_and_leave(), *PAID),
            (read_the_book,),
        ),
        Scenario(
            "a book by letter, and the mail server takes no files",
            after(mail_takes_no_files, START, press_pay("mintcash"), pay_and_leave()),
            PAID,
        ),
        Scenario(
            "a book by letter, and its money goes before the letter does",
            after(START, press_pay("mintcash"), pay_and_leave(), deliver, do_own_work),
            (happens("refund"), deliver, fulfil),
        ),
    ]
