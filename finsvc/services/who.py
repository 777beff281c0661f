"""Who acted, for whom and what for, as every record states it."""

from dataclasses import asdict

from finsvc.domain.policy import Principal


def who(principal: Principal) -> dict[str, object]:
    """JSON form of a principal and the capacity it acts in; what was not said is left out."""
    said = {name: value for name, value in asdict(principal.capacity).items() if value}
    return {
        "id": principal.id,
        "roles": sorted(principal.roles),
        "tenant": principal.tenant,
        **said,
    }
