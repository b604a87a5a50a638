"""What waits for approval, as draft payments: they post nothing, and people may post them in Intacct.

A draft is known by the external id that its payment will have; one that was made twice, since an answer was lost, does
no harm: both are taken back together.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.intacct import acts, filters
from connector.adapters.intacct.acts import Ground
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.functions import control_id, create, delete, update
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.ledger import Ledger
from connector.adapters.intacct.lines import Unpayable, details
from connector.adapters.intacct.payments import Payments
from connector.adapters.intacct.records import Records
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.singly import Item, refused, write_singly
from connector.ports import Answer, Outcome
from connector.receivables import PaymentToPost


class Drafts:
    """One company's draft payments, as far as they are ours. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, ledger: Ledger, payments: Payments) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._ledger = ledger
        self._payments = payments
        self._records = Records(mapping)

    def found(self, external_ids: Sequence[str]) -> dict[str, list[str]]:
        """External id -> the RECORDNOs of its drafts. Asked also where none are written any more: one from before would
        keep its payment from the invoice."""
        rows = self._rows(external_ids).items()
        return {external_id: [row["RECORDNO"] for row in drafts] for external_id, drafts in rows}

    def _rows(self, external_ids: Sequence[str]) -> dict[str, list[Row]]:
        own = self._mapping.fields.payment_external_id
        drafts: dict[str, list[Row]] = {}
        for start in range(0, len(external_ids), VALUES_MAX):
            some = filters.within(own, external_ids[start : start + VALUES_MAX])
            where = filters.both(filters.equal("STATE", "Draft"), some)
            for row in self._gateway.rows("ARPYMT", ["RECORDNO", "MEGAENTITYID", own], where):
                drafts.setdefault(row.get(own, ""), []).append(row)
        return drafts

    def write(self, payments: Sequence[PaymentToPost]) -> tuple[Answer, ...]:
        """Each as it would be posted now; a draft that is there gets all its details anew.

        What was posted meanwhile is EXISTS_DIFFERENT and left alone.
        """
        ids = [post.external_id for post in payments]
        customers = sorted({post.customer_id for post in payments})
        there, drafts = self._payments.with_external_ids(ids, customers), self.found(ids)
        ground = Ground(
            self._ledger.now_of(sorted({one.invoice_id for post in payments for one in post.applications})),
            self._ledger.credits_now(sorted({one for post in payments for one in acts.credit_ids(post)})),
        )
        answers: dict[str, Answer] = {}
        items: list[Item] = []
        for post in payments:
            if held := there.get(post.external_id):
                why = "a payment with this id was posted meanwhile"
                answers[post.external_id] = Answer(
                    post.external_id, Outcome.EXISTS_DIFFERENT, held.seen.erp_id, message=why
                )
                continue
            try:
                items.append(self._item(post, ground, drafts.get(post.external_id, [])))
            except Unpayable as error:
                answers[post.external_id] = refused(post.external_id, f"{error}. No draft was written.")
        answers |= write_singly(self._gateway, items)
        return tuple(answers[post.external_id] for post in payments)

    def _item(self, post: PaymentToPost, ground: Ground, drafts: Sequence[str]) -> Item:
        why = acts.unpayable(self._mapping, post)
        if why or not post.applications:
            raise Unpayable(why or "it pays no invoice")
        parts = details(post, ground.invoices, ground.credits)
        entity = acts.entity_of(self._mapping, post, ground, parts)
        body = self._records.draft(post, parts, entity, *drafts[:1])
        id_ = control_id(f"{post.external_id}-draft", body=body)
        return Item(post.external_id, update(id_, body) if drafts else create(id_, body), entity)

    def delete(self, external_ids: Sequence[str]) -> tuple[Answer, ...]:
        """Only what is still a draft goes; where there is none (any more) the answer is EXISTS."""
        items = []
        for external_id, drafts in self._rows(external_ids).items():
            keys = [row["RECORDNO"] for row in drafts]
            gone = delete(control_id(f"{external_id}-draft", again=",".join(keys)), "ARPYMT", keys)
            items.append(Item(external_id, gone, drafts[0].get("MEGAENTITYID", "")))
        answers = write_singly(self._gateway, items)
        return tuple(answers.get(external_id) or Answer(external_id, Outcome.EXISTS) for external_id in external_ids)
