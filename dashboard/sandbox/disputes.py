"""Disputes: a cardholder's bank takes the money back, and may have to return it."""

from dashboard.sandbox import shapes
from dashboard.sandbox.answers import Json, StripeError, public
from dashboard.sandbox.turn import Turn

# Stripe's fee for a dispute, and the time there is for an answer.
_FEE = 1500
_ANSWER_WITHIN = 7 * 86_400
CLOSED = ("won", "lost", "warning_closed")
INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")
_EVIDENCE = """access_activity_log billing_address cancellation_policy
    cancellation_policy_disclosure cancellation_rebuttal customer_communication
    customer_email_address customer_name customer_purchase_ip customer_signature
    duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id
    product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation
    service_date service_documentation shipping_address shipping_carrier shipping_date
    shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text""".split()


def open_dispute(
    turn: Turn, charge: Json, amount: int | None, reason: str, inquiry: bool = False
) -> Json:
    """Dispute a captured charge: the money and a fee leave the account at once.

    An inquiry of the bank takes nothing yet. A charge can be disputed in parts.
    """
    before = sum(one["amount"] for one in _of(turn, charge))
    wanted = amount or charge["amount_captured"]
    if not charge["captured"] or before + wanted > charge["amount_captured"]:
        message = "Only a captured charge that is not disputed yet can be disputed."
        raise StripeError(message, param="charge")
    dispute = _fresh(turn, charge, wanted, reason)
    charge["disputed"] = True
    turn.store.save(charge)
    if inquiry:
        dispute |= {"status": "warning_needs_response", "is_charge_refundable": True}
    else:
        _move(turn, dispute, -dispute["amount"], _FEE, "dispute")
    turn.store.save(dispute)
    turn.emit("charge.dispute.created", dispute)
    if not inquiry:
        turn.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def settle(turn: Turn, dispute: Json, status: str) -> Json:
    """Move an open dispute on: under review, won (the money comes back) or lost (it does not).

    An inquiry is closed, or becomes a dispute that takes the money.
    """
    inquiry = dispute["status"] in INQUIRIES
    if dispute["status"] in CLOSED:
        raise StripeError("This dispute is closed.", param="dispute")
    if inquiry != (status in INQUIRIES) and status != "needs_response":
        raise StripeError(f"A dispute can't go from {dispute['status']} to {status}.")
    before = {"status": dispute["status"]}
    dispute |= {"status": status, "is_charge_refundable": status in ("won", *INQUIRIES)}
    if inquiry and status == "needs_response":
        _move(turn, dispute, -dispute["amount"], _FEE, "dispute")
        turn.emit("charge.dispute.funds_withdrawn", dispute)
    if status == "won":
        _move(turn, dispute, dispute["amount"], 0, "dispute_reversal")
    turn.store.save(dispute)
    if status not in CLOSED:
        turn.emit("charge.dispute.updated", dispute, before)
        return dispute
    turn.emit("charge.dispute.closed", dispute, before)
    if status == "won":
        turn.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def bars_refunds(turn: Turn, charge: Json) -> bool:
    """Whether the disputed money is still away from the account."""
    return any(dispute["status"] not in ("won", *INQUIRIES) for dispute in _of(turn, charge))


def _of(turn: Turn, charge: Json) -> list[Json]:
    return turn.store.find("dispute", {"charge = ?": charge["id"]}, 10)


def _move(turn: Turn, dispute: Json, amount: int, fee: int, category: str) -> None:
    entry = shapes.balance_transaction(turn, category, dispute, amount, fee, "Chargeback")
    entry["type"] = "adjustment"
    turn.store.save(entry)
    dispute["balance_transactions"].append(public(entry))


def _fresh(turn: Turn, charge: Json, amount: int, reason: str) -> Json:
    brand = charge["payment_method_details"]["card"]["brand"]
    card = {"brand": brand, "case_type": "chargeback", "network": brand}
    evidence: Json = dict.fromkeys(_EVIDENCE)
    return {
        "id": turn.new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": turn.second,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": turn.second + _ANSWER_WITHIN,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": card | {"network_reason_code": "10.4"},
        },
        "reason": reason,
        "status": "needs_response",
    }
