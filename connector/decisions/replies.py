"""What is this answer to a reminder (RULES 5.6)?

Headers speak first: who reports a failed delivery or an automatic answer says so. Of what people wrote only few and
plain words are understood, and only where a sentence says just that: whatever is in doubt is a human's answer, which
pauses the customer's reminders and is read by a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

# What is looked at of one answer; what people mean stands at its beginning.
TEXT_MAX = 8_000


class ReplyKind(StrEnum):
    """What an answer is, in order of precedence."""

    FOREIGN = "foreign"  # answers none of our messages
    BOUNCE_PERMANENT = "bounce_permanent"  # the address is bad
    BOUNCE_TEMPORARY = "bounce_temporary"  # delayed, or the mailbox is full for now
    OUT_OF_OFFICE = "out_of_office"  # no person wrote it
    STOP = "stop"  # wants to hear no more of us
    ALREADY_PAID = "already_paid"
    DISPUTE = "dispute"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class ReplyVerdict:
    """`reason` names what it rests on in our own words, and quotes nothing of the answer."""

    kind: ReplyKind
    reason: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """What one language says, in small letters and without punctuation; '...' stands for up to six words.

    A sentence with one of `unless` says something else, or nothing for certain: not, if, will, why.
    """

    said: tuple[str, ...]
    unless: tuple[str, ...] = ()


def decide(
    subject: str,
    text: str,
    *,
    answers_ours: bool,
    failed_with: str = "",
    is_automatic: bool = False,
    seems_automatic: bool = False,
) -> ReplyVerdict:
    """What is this answer, in `ReplyKind`'s order? A failed delivery is permanent only with a status of 5.

    `is_automatic`: its headers say that nobody wrote it. `seems_automatic`: they carry signs that ticket systems put
    onto people's words too, so that its words must say it as well.
    """
    if not answers_ours:
        return ReplyVerdict(ReplyKind.FOREIGN, "it answers none of our messages")
    if failed_with:
        is_permanent = failed_with.startswith("5.")
        kind = ReplyKind.BOUNCE_PERMANENT if is_permanent else ReplyKind.BOUNCE_TEMPORARY
        return ReplyVerdict(kind, f"a mail server reports {failed_with}")
    if is_automatic:
        return ReplyVerdict(ReplyKind.OUT_OF_OFFICE, "its headers say that nobody wrote it")
    own = own_words(text)
    if _is_answered_by_itself(subject, own, seems_automatic):
        return ReplyVerdict(ReplyKind.OUT_OF_OFFICE, "its words are those of an automatic answer")
    return _of_a_person(own)


def _is_answered_by_itself(subject: str, text: str, seems_automatic: bool) -> bool:
    """A subject that begins as mail programs begin them; where headers hint at it, the usual words anywhere."""
    begins = _plain(subject)
    if any(begins.startswith(words) for words in AUTOMATIC_SUBJECTS):
        return True
    return seems_automatic and any(_says(f"{subject}. {text}", one) for one in AUTOMATIC_WORDS.values())


def _of_a_person(text: str) -> ReplyVerdict:
    first = [words for line in text.splitlines() if (words := _plain(line))][:2]
    if any(line in STOP_ALONE for line in first) or any(_says(text, one) for one in STOP_WORDS.values()):
        return ReplyVerdict(ReplyKind.STOP, "it asks us to stop writing")
    says_paid = any(_says(text, one) for one in PAID_WORDS.values())
    disputes = any(_says(text, one) for one in DISPUTE_WORDS.values())
    if says_paid and not disputes:
        return ReplyVerdict(ReplyKind.ALREADY_PAID, "it says that this is paid")
    if disputes and not says_paid:
        return ReplyVerdict(ReplyKind.DISPUTE, "it does not agree with what was billed")
    return ReplyVerdict(ReplyKind.HUMAN, "a person wrote it")


def own_words(text: str) -> str:
    """What the writer says, without what is quoted below or between, and without the signature."""
    kept: list[str] = []
    lines = text[:TEXT_MAX].splitlines()
    for place, line in enumerate(lines):
        if _begins_quote(line, lines[place + 1 : place + 5]) or line.rstrip() == "--":
            break
        if not line.lstrip().startswith((">", "|")):
            kept.append(line.rstrip())
    return "\n".join(kept).strip()


def _begins_quote(line: str, following: Sequence[str]) -> bool:
    """Does everything from this line on come from an earlier message? The forms of the usual mail programs."""
    stripped = line.strip()
    if _RULE.fullmatch(stripped) or _SAID.search(" ".join([stripped, *following[:2]])):
        return True
    return bool(_FROM.match(stripped)) and any(_MORE_HEADERS.match(one.strip()) for one in following)


# '-----Original Message-----' and its sisters, and the bare rule that Outlook draws.
_RULE = re.compile(
    r"_{10,}|-{2,}\s*(original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|"
    r"message d'origine|message transféré|mensaje original|mensaje reenviado)\s*-{2,}",
    re.IGNORECASE,
)
# 'On Mon, 7 Sep 2026 at 09:00, Billing <billing@...> wrote:' and its sisters; long ones are broken over lines.
_SAID = re.compile(
    r"^(?:on\b.{6,200}\bwrote|am\b.{6,200}\bschrieb\b.{0,120}|le\b.{6,200}\ba écrit|el\b.{6,200}\bescribió)\s*:",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:from|von|de)\s?:\*?\s+\S", re.IGNORECASE)
_MORE_HEADERS = re.compile(
    r"\*?(?:sent|date|to|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|enviado el|fecha|para|asunto)\s?:",
    re.IGNORECASE,
)


def _says(text: str, phrases: Phrases) -> bool:
    """Does a sentence say one of these for certain? Questions never do."""
    return any(
        not is_question
        and any(_pattern(phrase).search(sentence) for phrase in phrases.said)
        and not any(f" {word} " in f" {sentence} " for word in phrases.unless)
        for sentence, is_question in _sentences(text)
    )


def _sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Each sentence in plain words, and whether it asks; the end of a paragraph ends a sentence, that of a line not."""
    for part in _SENTENCE.findall(text[:TEXT_MAX]):
        if words := _plain(part):
            yield words, "?" in part  # such marks stand only at its end


# The points of '1.5' and '3.9.' end none.
_SENTENCE = re.compile(r"(?:[^.!?;\n]|\.(?=\d)|(?<=\d)\.(?=\s+[a-zà-ÿ])|\n(?!\s*\n))+[.!?;]*")


def _plain(text: str) -> str:
    """Small letters, straight apostrophes, single blanks, no punctuation."""
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold()
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*", straight))


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    gapped = re.escape(phrase).replace(r"\ \.\.\.\ ", r" (?:\S+ ){0,6}")
    return re.compile(rf"(?<!\S){gapped}(?!\S)")


# ---- the words, by language ----


def _list(text: str) -> tuple[str, ...]:
    """Phrases with commas between them."""
    return tuple(" ".join(one.split()) for one in text.split(","))


# How mail programs begin the subject of an automatic answer; a person who answers one puts 'Re:' before it.
AUTOMATIC_SUBJECTS = _list("""
    automatic reply, auto reply, autoreply, auto response, out of office, out of the office, automatische antwort,
    abwesenheitsnotiz, abwesenheit, réponse automatique, absence du bureau, respuesta automática, fuera de la
    oficina, fuera de oficina, automatisch antwoord, afwezig, risposta automatica, fuori sede, resposta automática,
    odpowiedź automatyczna, autosvar, automatiskt svar
    """)

AUTOMATIC_WORDS: Mapping[str, Phrases] = {
    "en": Phrases(
        _list("""
            out of office, out of the office, automatic reply, automated response, annual leave, on vacation, on
            holiday, parental leave, limited access to, will be back, will return on, do not reply to this, we have
            received your, has been received, thank you for contacting, ticket number, a ticket has, your request
            has been, will get back to you
            """),
    ),
    "de": Phrases(
        _list("""
            nicht im büro, nicht im haus, abwesend, im urlaub, automatische antwort, wieder erreichbar, wieder im
            büro, elternzeit, ihre anfrage ist eingegangen, haben ihre nachricht erhalten, ticketnummer, nicht auf
            diese
            """),
    ),
    "fr": Phrases(
        _list("""
            absent du bureau, actuellement absent, actuellement absente, suis absent, suis absente, en congé, en
            congés, réponse automatique, de retour le, bien reçu votre, votre demande a été
            """),
    ),
    "es": Phrases(
        _list("""
            fuera de la oficina, fuera de oficina, de vacaciones, respuesta automática, estaré ausente, hemos
            recibido su, su solicitud ha sido, número de ticket
            """),
    ),
}

# The whole of a first line.
STOP_ALONE = frozenset(
    _list("""
        abmelden, arrêtez, arrêtez svp, baja, basta, basta ya, bitte stoppen, darse de baja, désabonner, please
        stop, stop, stop it, stop now, stop please, stop svp, stopp, unsubscribe
        """)
)

# A sentence about a link to click is the footer of somebody's newsletter.
STOP_WORDS: Mapping[str, Phrases] = {
    "en": Phrases(
        _list("""
            stop sending, stop emailing, stop mailing, stop writing, stop contacting, stop these, unsubscribe, stop
            the reminders, remove me, remove us, remove my address, take me off, take us off, do not contact, don't
            contact, do not email, don't email, do not write to, no more emails, no more e mails, no more reminders,
            no further emails, no further e mails, no further reminders, opt out, cease and desist, leave us alone
            """),
        unless=_list("""
            if, click, clicking, link, here
            """),
    ),
    "de": Phrases(
        _list("""
            keine weiteren mails, keine weiteren e mails, keine mails mehr, keine e mails mehr, keine mahnungen
            mehr, keine weiteren mahnungen, keine erinnerungen mehr, nicht mehr kontaktieren, nicht mehr
            anschreiben, nicht mehr anzuschreiben, aus dem verteiler, aus ihrem verteiler, abbestellen, hören sie
            auf, unterlassen sie
            """),
        unless=_list("""
            wenn, falls, klicken, hier
            """),
    ),
    "fr": Phrases(
        _list("""
            ne plus me contacter, ne plus nous contacter, ne plus m'écrire, ne plus nous écrire, cessez de, arrêtez
            de, me désabonner, nous désabonner, me désinscrire, nous désinscrire, plus de relances, plus d'e mails,
            retirez moi, retirez nous
            """),
        unless=_list("""
            si, cliquez, ici, lien
            """),
    ),
    "es": Phrases(
        _list("""
            no me contacten, no nos contacten, no me escriban, no nos escriban, dejen de, deje de, darme de baja,
            darnos de baja, no envíen más, no nos envíen más, no más correos, no más recordatorios
            """),
        unless=_list("""
            si, clic, aquí, enlace
            """),
    ),
}

PAID_WORDS: Mapping[str, Phrases] = {
    "en": Phrases(
        _list("""
            already paid, already been paid, already settled, have ... paid, i've ... paid, we've ... paid, has been
            paid, had been paid, was paid, were paid, is paid, are paid, we paid, i paid, paid on, paid in full,
            payment was made, payment was sent, payment has been made, payment has been sent, payment has been
            issued, payment went out, payment sent, sent the payment, sent payment, made the payment, made payment,
            wire was sent, wire has been sent, we wired, has been remitted, was remitted
            """),
        unless=_list("""
            not, never, nothing, haven't, hasn't, hadn't, wasn't, weren't, isn't, aren't, didn't, don't, can't,
            cannot, couldn't, won't, will, we'll, i'll, would, should, if, when, once, until, unless, before, after,
            why, whether, must, shall, be paid, unpaid, since then
            """),
    ),
    "de": Phrases(
        _list("""
            bereits bezahlt, schon bezahlt, bereits gezahlt, bereits überwiesen, schon überwiesen, bereits
            beglichen, schon beglichen, haben ... bezahlt, habe ... bezahlt, haben ... überwiesen, habe ...
            überwiesen, haben ... beglichen, wurde ... bezahlt, wurde ... überwiesen, wurde ... beglichen, wurden
            ... bezahlt, wurden ... überwiesen, wurden ... beglichen, ist ... bezahlt, sind ... bezahlt, zahlung ist
            erfolgt, zahlung ist bereits, zahlung erfolgte, überweisung ist erfolgt, überweisung ist raus
            """),
        unless=_list("""
            nicht, kein, keine, nie, nichts, wenn, falls, sobald, wird, werden, würde, ob, warum, bis, erst, muss,
            müssen, unbezahlt
            """),
    ),
    "fr": Phrases(
        _list("""
            déjà payé, déjà payée, déjà payées, déjà réglé, déjà réglée, déjà réglées, avons ... payé, avons ...
            réglé, j'ai ... payé, j'ai ... réglé, a été payé, a été payée, a été réglé, a été réglée, ont été
            payées, ont été réglées, est payée, est réglée, paiement a été effectué, paiement effectué, virement a
            été effectué, virement effectué, virement a été émis
            """),
        unless=_list("""
            pas, jamais, rien, aucun, aucune, si, quand, lorsque, dès, sera, seront, pourquoi, avant
            """),
    ),
    "es": Phrases(
        _list("""
            ya pagamos, ya pagué, ya hemos pagado, hemos pagado, he pagado, ya está pagada, ya está pagado, está
            pagada, están pagadas, fue pagada, fueron pagadas, ha sido pagada, han sido pagadas, ya fue pagada, se
            pagó, pago realizado, pago fue realizado, realizamos el pago, hemos realizado el pago, transferencia
            realizada, hemos realizado la transferencia
            """),
        unless=_list("""
            no, nunca, nada, si, cuando, será, serán, todavía, aún, antes, por qué
            """),
    ),
}

# They hold as any person's answer does; it is only said what it is about.
DISPUTE_WORDS: Mapping[str, Phrases] = {
    "en": Phrases(
        _list("""
            dispute, disputed, disputing, wrong amount, incorrect amount, wrong price, incorrect price, wrong
            invoice, incorrect invoice, invoice is wrong, invoice is incorrect, do not agree, don't agree, disagree,
            never received the, not received the goods, did not order, didn't order, overcharged, credit note,
            credit memo, does not match, doesn't match
            """),
        unless=_list("""
            no dispute, not dispute, not disputing, don't dispute
            """),
    ),
    "de": Phrases(
        _list("""
            reklamation, reklamieren, beanstanden, beanstandung, falscher betrag, falschen betrag, rechnung ist
            falsch, rechnung ist fehlerhaft, nicht einverstanden, nicht bestellt, nicht geliefert, gutschrift,
            widersprechen, falsch berechnet
            """),
        unless=_list("""
            keine reklamation, keine beanstandung
            """),
    ),
    "fr": Phrases(
        _list("""
            conteste, contestons, litige, montant incorrect, montant erroné, facture incorrecte, pas d'accord, non
            livré, non livrée, pas commandé, note de crédit, surfacturé
            """),
    ),
    "es": Phrases(
        _list("""
            disputamos, no estamos de acuerdo, no estoy de acuerdo, importe incorrecto, importe erróneo, factura
            incorrecta, factura es incorrecta, nota de crédito, no pedimos, no hemos recibido los, reclamación,
            reclamamos
            """),
    ),
}
