"""Questions to the policy engine and its answers, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

JsonScalar = str | int | bool

# Tenant of an installation that has one.
LOCAL_TENANT = "local"


class Action(StrEnum):
    """What a principal may want to do."""

    ASK = "ask"
    CALL_TOOL = "call_tool"
    RELEASE = "release"
    RUN_CALCULATOR = "run_calculator"
    RUN_REPORT = "run_report"
    USE_RAW_MODEL = "use_raw_model"
    READ_AUDIT = "read_audit"
    REPLAY = "replay"
    APPROVE = "approve"
    ADMINISTER_LOG = "administer_log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """In what capacity a principal acts, for one request; said by the caller and put on record.

    Attributes:
        on_behalf_of: Person or desk that the principal acts for.
        session: Session of the caller's own system.
        purpose: What the answer is for.
        client: Client whose data the request holds; all that is kept under this name can be erased
            together.
        idempotency_key: By which the caller tells a repeated request.
    """

    on_behalf_of: str = ""
    session: str = ""
    purpose: str = ""
    client: str = ""
    idempotency_key: str = ""


# HTTP headers by the field of `Capacity` that they say.
CAPACITY_HEADERS = {
    "on_behalf_of": "x-finsvc-on-behalf-of",
    "session": "x-finsvc-session",
    "purpose": "x-finsvc-purpose",
    "client": "x-finsvc-client",
    "idempotency_key": "idempotency-key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts: identifier, roles and tenant as the identity provider states them."""

    id: str
    roles: frozenset[str]
    tenant: str = LOCAL_TENANT
    capacity: Capacity = Capacity()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyQuery:
    """One question to the policies: may ``principal`` do ``action`` on ``resource``?

    ``resource`` is ``Type::id``, for instance ``Agent::risk`` or ``Tool::value_at_risk``.
    ``context`` holds the facts the policies may look at; numbers are integers or decimal strings.
    """

    principal: Principal
    action: Action
    resource: str
    context: Mapping[str, JsonScalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutcome:
    """The decision with the identifiers of the policies that determined it.

    ``facts`` is the query exactly as evaluated, so that an auditor can evaluate it again.
    """

    is_allowed: bool
    determining: tuple[str, ...]
    errors: tuple[str, ...]
    bundle_digest: str
    facts: Mapping[str, object]
