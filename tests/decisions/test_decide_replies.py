"""What is this answer to a reminder: a failed delivery, nobody at the desk, 'stop', 'paid', or a person?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import replies
from connector.decisions.replies import ReplyKind

RE = "Re: INV-1: payment is overdue"


def kind(text: str, subject: str = RE, **more: object) -> str:
    return replies.decide(subject, text, **{"answers_ours": True, **more}).kind.value  # type: ignore[arg-type]


# ---- headers come first ----


@pytest.mark.parametrize(
    ("given_headers", "expected"),
    [
        ({"answers_ours": False}, "foreign"),
        ({"answers_ours": False, "failed_with": "5.1.1"}, "foreign"),
        ({"failed_with": "5.1.1"}, "bounce_permanent"),
        ({"failed_with": "5.0.0", "is_automatic": True}, "bounce_permanent"),
        ({"failed_with": "4.2.2"}, "bounce_temporary"),
        ({"failed_with": "4.4.7", "is_automatic": True}, "bounce_temporary"),
        ({"failed_with": "2.0.0"}, "bounce_temporary"),
        ({"is_automatic": True}, "out_of_office"),
        ({"seems_automatic": True}, "stop"),
        ({}, "stop"),
    ],
)
def test_headers_speak_before_words(given_headers, expected):
    assert kind("Please stop sending these. It was paid.", **given_headers) == expected


def test_without_a_word_about_its_headers_nothing_hints_at_a_machine():
    assert kind("Our approver is on annual leave, we will pay next week.") == "human"


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("stop", {"answers_ours": False}, "it answers none of our messages"),
        ("stop", {"failed_with": "5.1.1"}, "a mail server reports 5.1.1"),
        ("stop", {"is_automatic": True}, "its headers say that nobody wrote it"),
        ("I am on annual leave.", {"seems_automatic": True}, "its words are those of an automatic answer"),
        ("stop", {}, "it asks us to stop writing"),
        ("This was paid.", {}, "it says that this is paid"),
        ("We dispute it.", {}, "it does not agree with what was billed"),
        ("Thanks.", {}, "a person wrote it"),
    ],
)
def test_the_verdict_says_in_our_own_words_what_it_rests_on(text, more, reason):
    assert replies.decide(RE, text, **{"answers_ours": True, **more}).reason == reason


def test_every_kind_is_named_here():
    assert set(ReplyKind) == {
        ReplyKind.FOREIGN,
        ReplyKind.BOUNCE_PERMANENT,
        ReplyKind.BOUNCE_TEMPORARY,
        ReplyKind.OUT_OF_OFFICE,
        ReplyKind.STOP,
        ReplyKind.ALREADY_PAID,
        ReplyKind.DISPUTE,
        ReplyKind.HUMAN,
    }


@pytest.mark.parametrize(
    ("subject", "text", "seems_automatic", "expected"),
    [
        ("Automatic reply: INV-1: due today", "I am away and will read this on Monday.", False, "out_of_office"),
        ("Automatische Antwort: INV-1", "Ich bin ab 14.9. wieder erreichbar.", True, "out_of_office"),
        ("Réponse automatique : INV-1", "", True, "out_of_office"),
        ("Respuesta automática: INV-1", "", False, "out_of_office"),
        ("Out of Office: INV-1", "Back soon", False, "out_of_office"),
        # A person who answers somebody's automatic answer.
        ("Re: Automatic reply: INV-1", "Thanks, noted. Who can help meanwhile?", False, "human"),
        # Ticket systems mark what people write as made by a machine.
        (RE, "We have received your request. Ticket number 4711.", True, "out_of_office"),
        (RE, "I am on annual leave until 5 October.", True, "out_of_office"),
        (RE, "Hi, we paid this on 3 September. Regards, Ana", True, "already_paid"),
        (RE, "Hi, which purchase order is this for?", True, "human"),
        # Without any sign in the headers a person may well be speaking of a leave.
        (RE, "Our approver is on annual leave, we will pay next week.", False, "human"),
    ],
)
def test_an_automatic_answer_says_so(subject, text, seems_automatic, expected):
    assert kind(text, subject, seems_automatic=seems_automatic) == expected


# ---- what people write ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # English
        ("Hi,\n\nthis invoice has already been paid, see attached remittance.\n\nBest\nJo", "already_paid"),
        ("Invoice no. 4711 was paid by wire on 3 Sept.", "already_paid"),
        ("Already paid?...", "human"),
        ("We've already paid this one.", "already_paid"),
        ("Payment was sent yesterday, ref 8812.", "already_paid"),
        ("Hello, we have processed and paid INV-1 last Friday", "already_paid"),
        # German
        ("Guten Tag,\ndie Rechnung haben wir am 3.9. bezahlt.\nMfG", "already_paid"),
        ("Der Betrag wurde am 03.09. überwiesen.", "already_paid"),
        ("Diese Rechnung ist bereits beglichen!", "already_paid"),
        # French
        ("Bonjour, cette facture a été réglée le 3 septembre. Cordialement", "already_paid"),
        ("Nous avons déjà payé cette facture.", "already_paid"),
        # Spanish
        ("Buenos días: esta factura ya está pagada desde el viernes.", "already_paid"),
        ("Ya hemos pagado la factura INV-1.", "already_paid"),
        # Not for certain, so a person reads it.
        ("Has this not been paid?", "human"),
        ("Was this paid already?", "human"),
        ("This has not been paid yet because we wait for the PO.", "human"),
        ("It will be paid on Friday.", "human"),
        ("Once it has been paid I will tell you.", "human"),
        ("We haven't paid it, sorry.", "human"),
        ("Die Rechnung ist noch nicht bezahlt.", "human"),
        ("Sie wird am Freitag bezahlt.", "human"),
        ("Wurde sie schon bezahlt?", "human"),
        ("Cette facture n'a pas été réglée, car nous attendons l'avoir.", "human"),
        ("La factura no está pagada todavía.", "human"),
        ("I am chasing our treasury team for the payment.", "human"),
        ("How do I pay?", "human"),
        ("", "human"),
        ("👍", "human"),
        ("请问这张发票是什么？", "human"),
    ],
)
def test_only_a_plain_word_of_payment_is_one(text, expected):
    assert kind(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STOP", "stop"),
        ("Stop.\n\nJohn Smith\nAccounts Payable", "stop"),
        ("Hi\nunsubscribe", "stop"),
        ("Hi\nJo here\nunsubscribe", "human"),  # only the first two lines: below stands what mail programs add
        ("Please don\N{RIGHT SINGLE QUOTATION MARK}t contact us.", "stop"),  # as telephones write it
        ("Please stop sending us these reminders!", "stop"),
        ("Do not contact me again.", "stop"),
        ("Please remove me from your list", "stop"),
        ("Hören Sie auf, uns jeden Tag zu schreiben.", "stop"),
        ("Bitte keine weiteren E-Mails.", "stop"),
        ("Merci de ne plus nous contacter.", "stop"),
        ("Arrêtez de nous envoyer des relances", "stop"),
        ("Por favor, dejen de escribirnos.", "stop"),
        ("No me contacten más.", "stop"),
        # It was paid, and they are angry: nothing more leaves before a person has read it.
        ("This was paid in August. Stop emailing us.", "stop"),
        # Not to us, or not for certain.
        ("We had to stop the cheque; a new one is on its way.", "human"),
        ("Please stop by our office on Tuesday.", "human"),
        ("Thanks!\n\nIf you wish to unsubscribe from our newsletter, click here.", "human"),
        ("Wenn Sie sich abmelden möchten, bitte abbestellen.", "human"),
    ],
)
def test_stop_is_a_word_to_us(text, expected):
    assert kind(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We dispute line 2, the seats were cancelled.", "dispute"),
        ("The invoice is wrong: it should be 40 seats. Please send a credit note.", "dispute"),
        ("Wir sind mit dem Betrag nicht einverstanden.", "dispute"),
        ("Nous contestons cette facture.", "dispute"),
        ("No estamos de acuerdo con el importe.", "dispute"),
        ("No dispute from our side, approval is pending.", "human"),
        # Both at once: a person reads it.
        ("We paid the first line. We dispute the second one.", "human"),
    ],
)
def test_a_dispute_is_named_and_holds_like_any_answer(text, expected):
    assert kind(text) == expected


# ---- what is quoted is not theirs ----

OURS = "This was paid already. Please stop sending. We dispute it."


@pytest.mark.parametrize(
    "quoted",
    [
        f"> {OURS}",
        f"On Mon, 7 Sep 2026 at 09:00, Billing <billing@seller.example> wrote:\n{OURS}",
        f"On Monday, 7 September 2026 at 09:00, Billing of the Seller\n<billing@seller.example> wrote:\n{OURS}",
        f"Am 07.09.26 um 09:00 schrieb Billing <billing@seller.example>:\n{OURS}",
        f"Am Montag, 7. September 2026 schrieb Billing:\n{OURS}",
        f"Le lun. 7 sept. 2026 à 09:00, Billing a écrit :\n{OURS}",
        f"El lun, 7 sept 2026 a las 9:00, Billing escribió:\n{OURS}",
        f"-----Original Message-----\n{OURS}",
        f"-----Ursprüngliche Nachricht-----\nVon: Billing\n{OURS}",
        f"________________________________\nFrom: Billing\n{OURS}",
        f"From: Billing <billing@seller.example>\nSent: Monday, 7 September 2026\nTo: AP\nSubject: INV-1\n\n{OURS}",
        f"Von: Billing <billing@seller.example>\nGesendet: Montag, 7. September\nAn: AP\nBetreff: INV-1\n\n{OURS}",
        f"De : Billing <billing@seller.example>\nEnvoyé : lundi\nÀ : AP\nObjet : INV-1\n\n{OURS}",
        f"De: Billing\nEnviado el: lunes\nPara: AP\nAsunto: INV-1\n\n{OURS}",
        f"  > {OURS}",
        f"| {OURS}",
        f"On Mon, 7 Sep 2026 at 09:00, Billing\nwrote:\n{OURS}",
        f"From: Billing\nof the Seller\nin Example\nby mail\nSent: Monday\n{OURS}",
        f"-- \nAna of AP. {OURS}",
    ],
)
def test_words_of_what_is_quoted_do_not_count(quoted):
    assert kind(f"Hello, I will look into it.\n\n{quoted}") == "human"
    assert replies.own_words(f"Hello, I will look into it.\n\n{quoted}") == "Hello, I will look into it."


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I asked.\nNobody knew.\nThen Kim\nwrote: it was paid.",  # the fourth line is no heading's end
        "From: our side all is well\none\ntwo\nthree\nfour\nSent: on Friday",  # nor is the fifth that follows
        "first\n  an indented one\nlast",
    ],
)
def test_what_only_resembles_a_quote_is_kept_as_it_was_written(text):
    assert replies.own_words(text) == text
    assert replies.own_words(text.replace("\n", "  \n")) == text


def test_an_answer_between_the_quoted_lines_is_theirs():
    assert kind("> Please pay INV-1.\nIt was paid on Friday.\n> Thank you") == "already_paid"


def test_a_sentence_may_run_over_lines_and_ends_with_its_paragraph():
    assert kind("this invoice has already\nbeen paid by us") == "already_paid"
    assert kind("What do you want us to have\n\npaid") == "human"


@given(st.text(max_size=300), st.booleans())
def test_any_text_gets_an_answer_and_none_that_headers_must_give(text, seems):
    assert kind(text, text, seems_automatic=seems) in {"out_of_office", "stop", "already_paid", "dispute", "human"}


@given(st.text(max_size=200))
def test_taking_quotes_away_twice_is_as_once(text):
    once = replies.own_words(text)

    assert replies.own_words(once) == once


def test_a_very_long_text_is_looked_at_no_further_than_its_bound():
    assert kind("word " * 2000 + "This was paid.") == "human"
