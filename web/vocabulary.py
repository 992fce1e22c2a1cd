"""What the fields of the API mean, with a value of each for examples.

A word is looked up as `Owner.field`, then as `field`; the owner is a resource, a body or, for what
stands in a path or a query string, an operation. A field whose type is declared here too (another
resource, an enumeration) needs a word only where its first value is a poor example.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen


@frozen
class Word:
    """An example, and what there is to say that the name does not."""

    example: object
    meaning: str = ""


_BUYER: Final = "usr_V1StGXR8_Z5jdHi6B-myT"
_SELLER: Final = "usr_4f90d13a42KxPqL8_w2Rn"
_ORDER: Final = "ord_JQ8kM2vXz5T-b1aC7dE9f"
_CONTRACT: Final = "CDGIGIOWG5OESTIEH7OQEYHSDPAOYUO2ZSPWVO37SCONZUYEDN4L7FVM"
_ADDRESS: Final = "GDK36SR7ZTTRPMBYRPGCOSPLYFEK3GLJWI7UL3Q3MBP5LB3YK5VMI6ET"
_OUTSIDE: Final = "GCGRDVZIQ47ZN4VDNILT5UJUTLYBAW4EJUMG65NRREZPO7MVXIHRQD6X"
_ISSUER: Final = "GC457CLNAUSJLWOHGRUD3VLBXKGOM3JJKKGMXPRJNR6BAJB5K3PXYX3Z"
_HASH: Final = "3389e9f0f1a65f19736cacf544c2e825313e8447f569233bb8db39aa607c8889"
_WHEN: Final = "2026-11-22T12:00:00.123Z"
_LATER: Final = "2026-11-22T12:00:05.456Z"
_IN_TIME: Final = "2030-01-31T12:00:00.000Z"
_METADATA: Final = {"invoice": "2026-0042"}

TAGS: Final[Mapping[str, str]] = {
    "Instance": "What this instance is and how it does.",
    "Keys": "API keys, their scopes, and short-lived tokens.",
    "Users": "The marketplace's users, each with a wallet of its own.",
    "Balances": "What a user can spend, what is set aside, and every transfer behind both.",
    "Wallets": "A user's wallet on Stellar, and where to deposit USDC.",
    "Orders": "Orders between a buyer and a seller, and their milestones.",
    "Escrow": "The contract on the chain that holds an order's money.",
    "Resolution": "The end of an order: release, refund or dispute.",
    "Disputes": "Disputes of orders: assigned to somebody, and resolved.",
    "Withdrawals": "USDC on its way to a Stellar address outside.",
    "Top-ups": "Money that comes in through AirTM.",
    "Events": "Every change as a server-sent event, in one sequence without gaps.",
    "Audit": "Who did what, when, and with what result.",
    "Webhooks": "Notifications of other services, signed by them.",
    "Administration": "Maintenance mode and the state of the process, for operators.",
}
"""Tag → what it holds."""

WORDS: Final[Mapping[str, Word]] = {
    # Ids and names
    "id": Word("evt_0aB1cD2eF3gH4iJ5kL6mN"),
    "orderId": Word(_ORDER),
    "userId": Word(_BUYER),
    "buyerId": Word(_BUYER),
    "sellerId": Word(_SELLER),
    "keyId": Word("key_3mTq8-ZyRw0vKp5sLx1Bc"),
    "withdrawalId": Word("wd_9sKf2LmQ7xR0tVbN4cHyJ"),
    "disputeId": Word("dsp_6hWn1PzC8rDq3XgUo5YtM"),
    "topupId": Word("topup_2jNc7VbX4mKq9RzTw1LsP"),
    "ref": Word("draft", "Unique in the order: 1 to 64 letters, digits, `_` or `-`."),
    "User.id": Word(_BUYER),
    "Order.id": Word(_ORDER),
    "Escrow.id": Word("esc_5pYv3QwE8nGt1ZkHb6UxF"),
    "Dispute.id": Word("dsp_6hWn1PzC8rDq3XgUo5YtM"),
    "Withdrawal.id": Word("wd_9sKf2LmQ7xR0tVbN4cHyJ"),
    "Hold.id": Word("hld_8rXc4TzKq2VbN7mLw0JsD"),
    "Transfer.id": Word("trf_1wQz6XkP9bRt3VnYc5MhG"),
    "AuditEntry.id": Word("aud_7dFk2SgH9jLp4QwEr6TyU"),
    "ApiKey.id": Word("key_3mTq8-ZyRw0vKp5sLx1Bc"),
    "Payment.id": Word("12884905984-1"),
    "externalUserId": Word("customer-1042", "Your own id of the user; unique."),
    "email": Word("alice@example.com"),
    "clientOrderRef": Word("logo-2026-0042", "Your own reference of the order; unique."),
    "name": Word("Production Key"),
    # Money
    "amount": Word("80.00"),
    "available": Word("20.00", "What can be spent."),
    "reserved": Word("80.00", "What is set aside for orders and holds."),
    "total": Word("100.00", "`available` + `reserved`."),
    "currency": Word("USDC"),
    "min": Word("1.00"),
    "max": Word("10000.00"),
    "remaining": Word("80.00", "What is left of the hold."),
    "recipientId": Word(_SELLER, "The user who gets it."),
    "Fees.protocol": Word("0.2400000", "What Trustless Work's contract kept."),
    "Fees.platform": Word("0.0000000", "What the contract paid to the platform."),
    "NewMilestone.amount": Word("30.00", "The milestones' amounts sum to the order's."),
    "Milestone.amount": Word("80.00"),
    "Posting.account": Word(f"available/{_BUYER}"),
    "Posting.amount": Word("-80.0000000"),
    "postings": Word(
        [
            {"account": f"available/{_BUYER}", "amount": "-80.0000000"},
            {"account": f"reserved/{_BUYER}", "amount": "80.0000000"},
        ],
        "They sum to zero.",
    ),
    "Transfer.kind": Word("reserve"),
    "reference": Word(_ORDER, "What the transfer is about."),
    "cause": Word("request", "What brought it about."),
    "usdc": Word("20.0000000"),
    "xlm": Word("2.5000000"),
    # Orders
    "title": Word("A logo"),
    "description": Word("A logo for a bakery, in two drafts"),
    "Milestone.title": Word("Draft"),
    "Milestone.description": Word("Draft", "The same text as `title`."),
    "NewMilestone.title": Word("Draft"),
    "NewOrder.milestones": Word(
        [
            {"ref": "draft", "title": "Draft", "amount": "30.00"},
            {"ref": "final", "title": "Final", "amount": "50.00"},
        ],
        "At most 20; without any, the contract gets one that is named `delivery`.",
    ),
    "Order.milestones": Word(
        [
            {
                "orderId": _ORDER,
                "ref": ref,
                "title": title,
                "description": title,
                "amount": amount,
                "status": "OPEN",
                "completedAt": None,
            }
            for ref, title, amount in (("draft", "Draft", "30.00"), ("final", "Final", "50.00"))
        ]
    ),
    "Order.status": Word("IN_PROGRESS"),
    "Order.outcome": Word(None, "How a closed order ended; `null` until then."),
    "Order.dispute": Word(None, "The order's dispute, if there is one."),
    "Order.fees": Word(None, "What the contract kept; `null` until it has paid out."),
    "Order.progress": Word(None, "The work on the chain that is running; `null` if none is."),
    "Order.closedAt": Word(None),
    "Escrow.status": Word("FUNDED"),
    "contractId": Word(_CONTRACT, "The contract's address; `null` until it is deployed."),
    "trustlessContractId": Word(_CONTRACT, "The same as `contractId`."),
    "transactionHashes": Word(
        {"deploy": _HASH, "fund": _HASH[::-1]}, "Step → hash of its confirmed transaction."
    ),
    "Escrow.releasedAt": Word(None),
    "Escrow.refundedAt": Word(None),
    "Escrow.updatedAt": Word(_LATER, "The escrow's last change."),
    "Escrow.fundedAt": Word(_LATER),
    "completedAt": Word(None),
    "expiresAt": Word(_IN_TIME, "An order whose escrow was not started by then is closed."),
    "autoReleaseAt": Word(
        _IN_TIME, "A completed order is released then, if the buyer stays silent."
    ),
    "reason": Word("The work was not delivered"),
    "canceledBy": Word("alice"),
    "requestedBy": Word("alice"),
    "steps": Word(["deploy"], "The steps on the chain, in order."),
    "step": Word("deploy", "The step that is on the way."),
    "attempts": Word(1),
    "lastError": Word(None, "Why the attempt before failed, for people."),
    "since": Word(_WHEN),
    # Disputes
    "NewDispute.reason": Word("QUALITY_ISSUE"),
    "Dispute.reason": Word("QUALITY_ISSUE"),
    "evidence": Word(["https://shop.example/files/draft-2.png"], "At most 20 texts."),
    "assignedTo": Word("support-agent-7"),
    "ResolutionRequest.decision": Word("SPLIT"),
    "releaseAmount": Word("30.00", "The seller's share, with `SPLIT` only."),
    "refundAmount": Word("50.00", "The buyer's share; both sum to the order's amount."),
    "note": Word("The second draft was delivered, the final was not"),
    "decisionNote": Word("The second draft was delivered, the final was not"),
    "resolutionDecision": Word(None, "How it was resolved; `null` until then."),
    # Users and wallets
    "User.status": Word("ACTIVE"),
    "User.airtm": Word(None, "The linked AirTM account; `null` without one."),
    "publicKey": Word(_ADDRESS, "The wallet's address on Stellar."),
    "WalletStatus": Word("ACTIVE"),
    "provider": Word("crypto"),
    "method": Word("stellar_address"),
    "address": Word(_ADDRESS),
    "memo": Word(None),
    "instructions": Word(
        "Send USDC of this issuer to the address, without a memo. It is credited as soon as the "
        "network confirms it."
    ),
    "isActive": Word(True, "Whether the wallet can receive USDC."),
    "isPrimary": Word(True),
    "code": Word("USDC"),
    "issuer": Word(_ISSUER),
    "asset": Word("USDC"),
    "Payment.from": Word(_OUTSIDE),
    "to": Word(_ADDRESS),
    "Payment.amount": Word("100.0000000"),
    "Payment.type": Word("payment"),
    "hash": Word(_HASH),
    "successful": Word(True),
    # Withdrawals
    "destinationType": Word("crypto"),
    "destinationRef": Word(_OUTSIDE, "The Stellar address that is paid."),
    "destinationMemo": Word(None),
    "Withdrawal.status": Word("WITHDRAWAL_COMPLETED"),
    "committed": Word(True, "Whether it is to be paid, or was."),
    "commit": Word(True, "`false`: set the money aside, and pay on `commit`."),
    "transactionHash": Word(_HASH),
    "airtmPayoutId": Word(None),
    "failure": Word(None, "Why it failed; `null` if it did not."),
    "WithdrawalFailure.code": Word("DESTINATION_REFUSED"),
    # Keys
    "key": Word(
        "ohk_test_" + "x" * 32, "The key itself: shown in the answer that creates it, never again."
    ),
    "maskedKey": Word("ohk_test_…xxxx"),
    "scopes": Word(["read", "write"]),
    "ApiKey.userId": Word(None, "A free label."),
    "NewApiKey.userId": Word("usr_admin", "A free label."),
    "ApiKey.expiresAt": Word(None),
    "NewApiKey.expiresAt": Word(None),
    "revokedAt": Word(None),
    "lastUsedAt": Word(None),
    "ttl": Word(3600, "In seconds, a day at most."),
    "token": Word(
        "ohk_tok_" + "x" * 32, "The token itself: shown in the answer that creates it, never again."
    ),
    # The audit log and webhooks
    "sequence": Word(1042),
    "at": Word(_WHEN),
    "actor": Word(
        "key:key_3mTq8-ZyRw0vKp5sLx1Bc", "A key, a token's key, a webhook or the system."
    ),
    "action": Word("order.reserve"),
    "resourceType": Word("Order"),
    "resourceId": Word(_ORDER),
    "AuditEntry.result": Word("ok"),
    "error": Word(None),
    "before": Word({"status": "ORDER_CREATED"}),
    "after": Word({"status": "FUNDS_RESERVED"}),
    "correlationId": Word("req_2XcV8bN5mK", "The `X-Request-ID` of the request behind it."),
    "causationId": Word(None),
    "idempotencyKey": Word("3f0c7a52-6d3e-4c55-9a0b-5f6a4f1f8e21"),
    "ip": Word("203.0.113.7"),
    "userAgent": Word("marketplace/1.0"),
    "previousHash": Word("0" * 64),
    "duplicate": Word(False, "Whether it came before, and nothing more happened."),
    "from": Word(_WHEN),
    # Top-ups
    "TopUp.id": Word("topup_2jNc7VbX4mKq9RzTw1LsP"),
    "TopUp.status": Word("TOPUP_SUCCEEDED"),
    "confirmationUri": Word("https://app.airtm.com/payment/0f1e2d3c"),
    "airtmPayinId": Word("0f1e2d3c"),
    "returnUrl": Word("https://shop.example/thanks"),
    "cancelUrl": Word("https://shop.example/canceled"),
    # Events
    "eventId": Word("evt_0aB1cD2eF3gH4iJ5kL6mN"),
    "eventType": Word("order.in_progress"),
    "occurredAt": Word(_WHEN),
    "aggregateId": Word(_ORDER),
    "aggregateType": Word("Order"),
    "payload": Word({"orderId": _ORDER}, "What the type's documentation says."),
    "Event.metadata": Word(
        {"correlationId": "req_2XcV8bN5mK", "causationId": "req_2XcV8bN5mK", "userId": _BUYER}
    ),
    "types": Word("order.*,balance.credited", "Comma-separated; `*` and `prefix.*` work."),
    "resourceTypes": Word("Order,Balance", "Comma-separated aggregate types."),
    "named": Word(False, "Whether each message has an `event:` line."),
    "lastEventId": Word(
        "41", "Replay what came after: a sequence number, an event's id or an ISO 8601 time."
    ),
    # The instance
    "version": Word("0.1.0"),
    "network": Word("sandbox"),
    "paymentProvider": Word("crypto"),
    "currencies": Word(["USDC", "USD"]),
    "features": Word({"deadlines": True}),
    "timestamp": Word(_WHEN),
    "requestId": Word("req_2XcV8bN5mK"),
    "concerns": Word({}, "Subject → reason: what degrades health although all respond."),
    "dependencies": Word({"database": {"status": "up", "latencyMs": 0.4}}),
    "latencyMs": Word(0.4),
    "Watcher.state": Word("following"),
    "lagLedgers": Word(0),
    "status": Word("healthy"),
    "Dependency.status": Word("up"),
    "metadata": Word(_METADATA, "Yours: a JSON object of at most 16 KiB."),
    "createdAt": Word(_WHEN),
    "updatedAt": Word(_LATER),
    "closedAt": Word(_LATER),
    "resolvedAt": Word(None),
    "limit": Word(20, "The size of the page."),
    "cursor": Word(None, "The last id of the page before: its `nextCursor`."),
    "createdAfter": Word(_WHEN),
    "createdBefore": Word(_IN_TIME),
    # Administration
    "Maintenance.enabled": Word(True, "Whether changes are refused."),
    "Maintenance.message": Word("back at noon", "What callers are told."),
    "MaintenanceOn.message": Word("back at noon", "What callers are told."),
    "Maintenance.since": Word(_WHEN, "When it was last turned on or off; `null`: never."),
    "Actor.name": Word("orders"),
    "Actor.state": Word("running"),
    "Actor.active": Word(3, "Actors that are awake, where there is one an id."),
    "Actor.restarts": Word(0),
    "Actor.lastError": Word(None, "Of the last crash; without secrets."),
    "Actor.children": Word([], "Of a registry only those in trouble."),
    "Mailbox.depth": Word(0, "Messages that wait."),
    "Mailbox.capacity": Word(192, "How many may wait before senders do."),
    "Mailbox.wakes": Word(0, "Wake-ups that wait."),
    "Mailbox.tasks": Word(0, "Tasks that run beside the handling of messages."),
    "Mailbox.handled": Word(1284, "Messages and wake-ups since the actor was made."),
}
"""`Owner.field` or `field` → its word."""


def word_of(owner: str, field: str) -> Word | None:
    """What is known of a field."""
    return WORDS.get(f"{owner}.{field}") or WORDS.get(field)
