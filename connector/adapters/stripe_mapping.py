"""mappings/stripe.yaml: under which names Stripe says who paid and for what, and how far each read looks back."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class StripeMapping(BaseModel):
    """Metadata keys are tried in the order given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id_keys: tuple[MetadataKey, ...] = ("netsuite_customer_id", "intacct_customer_id")
    invoice_id_keys: tuple[MetadataKey, ...] = ("netsuite_invoice_id",)
    invoice_number_keys: tuple[MetadataKey, ...] = ("invoice_number",)
    read_invoice_links: bool = True
    read_cash_balance: bool = True
    read_autopay: bool = True
    event_overlap_minutes: int = Field(default=60, ge=5, le=1440)
    payout_overlap_days: int = Field(default=14, ge=3, le=60)
