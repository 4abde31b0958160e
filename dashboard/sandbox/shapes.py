"""Fresh objects with every field Stripe's own classes name; what does not apply is null."""

from dashboard.sandbox.answers import Json
from dashboard.sandbox.cards import TestCard
from dashboard.sandbox.turn import Turn

_INTENT_NULLS = """allowed_payment_method_types amount_details application application_fee_amount
    automatic_payment_methods canceled_at cancellation_reason customer customer_account description
    excluded_payment_method_types hooks last_payment_error latest_charge managed_payments
    next_action on_behalf_of payment_details payment_method payment_method_configuration_details
    payment_record presentment_details processing receipt_email review setup_future_usage shipping
    source statement_descriptor statement_descriptor_suffix transfer_data transfer_group""".split()
_CHARGE_NULLS = """application application_fee application_fee_amount authorization_code
    balance_transaction failure_balance_transaction failure_code failure_message level3 on_behalf_of
    presentment_details radar_options receipt_number receipt_url review shipping source
    source_transfer statement_descriptor statement_descriptor_suffix transfer transfer_data
    transfer_group""".split()
_CARD_DETAIL_NULLS = """authorization_code capture_before description electronic_commerce_indicator
    iin installments issuer mandate moto network_transaction_id setup_credential_usage
    stored_credential_usage three_d_secure transaction_link_id wallet""".split()
_REFUND_NULLS = """balance_transaction customer customer_account description
    failure_balance_transaction failure_reason instructions_email next_action payment_method
    pending_reason presentment_details reason receipt_number source_transfer_reversal
    transfer_reversal""".split()
_CUSTOMER_NULLS = """address business_name currency customer_account default_source description
    discount email individual_name name phone shipping test_clock""".split()
_CHECKS = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}


def _nulls(names: list[str]) -> Json:
    return dict.fromkeys(names)


def _billing() -> Json:
    return {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}


def customer(turn: Turn) -> Json:
    name = turn.new_id("cus")
    return _nulls(_CUSTOMER_NULLS) | {
        "id": name,
        "object": "customer",
        "balance": 0,
        "created": turn.second,
        "delinquent": False,
        "invoice_credit_balance": {},
        "invoice_prefix": name[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }


def payment_method(turn: Turn, test_name: str, card: TestCard) -> Json:
    return {
        "id": turn.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": _billing(),
        "card": _nulls("description generated_from iin issuer wallet".split())
        | {
            "brand": card.brand,
            "checks": dict(_CHECKS),
            "country": "US",
            "display_brand": card.brand,
            # Test cards must outlive every clock that a test may set.
            "exp_month": 8,
            "exp_year": 2045,
            "fingerprint": f"sandbox{card.last4}{card.brand}",
            "funding": card.funding,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
        },
        "created": turn.second,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "radar_options": {},
        "type": "card",
        "_test_name": test_name,
        "_spent": False,
        "_set_up": False,
    }


def intent(turn: Turn, amount: int, currency: str) -> Json:
    name = turn.new_id("pi")
    return _nulls(_INTENT_NULLS) | {
        "id": name,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": f"{name}_secret_{turn.new_id('x')[2:]}",
        "confirmation_method": "automatic",
        "created": turn.second,
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "_return_url": None,
        "_off_session": False,
    }


def charge(turn: Turn, intent: Json, method: Json) -> Json:
    return _nulls(_CHARGE_NULLS) | {
        "id": turn.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": dict(method["billing_details"]),
        "calculated_statement_descriptor": "LESSONS",
        "captured": False,
        "created": turn.second,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(None),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": "card", "card": _card_details(intent, method)},
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "status": "succeeded",
    }


def _card_details(intent: Json, method: Json) -> Json:
    card = method["card"]
    same = "brand country exp_month exp_year fingerprint funding last4 regulated_status".split()
    return (
        _nulls(_CARD_DETAIL_NULLS)
        | {name: card[name] for name in same}
        | {
            "amount_authorized": intent["amount"],
            "checks": dict(_CHECKS),
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "overcapture": {
                "maximum_amount_capturable": intent["amount"],
                "status": "unavailable",
            },
        }
    )


def _outcome(decline_code: str | None) -> Json:
    nothing = _nulls("advice_code network_advice_code network_decline_code rule".split())
    declined = decline_code is not None
    return nothing | {
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": decline_code,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined the payment." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }


def declined(charge: Json, code: str, decline_code: str, message: str) -> None:
    """Turn a fresh charge into one that the bank refused."""
    charge["payment_method_details"]["card"]["amount_authorized"] = None
    charge |= {
        "failure_code": code,
        "failure_message": message,
        "outcome": _outcome(decline_code),
        "paid": False,
        "status": "failed",
    }


def refund(turn: Turn, charge: Json, amount: int) -> Json:
    return _nulls(_REFUND_NULLS) | {
        "id": turn.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": turn.second,
        "currency": charge["currency"],
        "destination_details": {
            "type": "card",
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
        },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "status": "succeeded",
    }


def balance_transaction(
    turn: Turn, kind: str, source: Json, amount: int, fee: int, description: str | None
) -> Json:
    details = {"amount": fee, "application": None, "description": "Processing fees"}
    return {
        "id": turn.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": turn.second + 2 * 86_400,
        "balance_type": "payments",
        "created": turn.second,
        "currency": source["currency"],
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [details | {"currency": source["currency"], "type": "stripe_fee"}]
        if fee
        else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
