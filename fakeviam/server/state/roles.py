"""What the holder of an API key may do: owners everything, operators look at data.

Viam's documentation has a table of permissions for organizations, locations and machines; keys
here are keys of whole organizations, so its first two columns count (AC-1).
"""

from __future__ import annotations

from typing import get_args

from fakeviam.model.errors import PermissionDeniedError, UsageError
from fakeviam.model.roles import Role

_ROLES: tuple[Role, ...] = get_args(Role)

#: "View data" and "Export data" of the table.
_VIEWS = frozenset(
    {
        "BinaryDataByFilter",
        "BinaryDataByIDs",
        "CreateBinaryDataSignedURL",
        "ExportTabularData",
        "GetLatestTabularData",
        "TabularDataByFilter",
        "TabularDataByMQL",
        "TabularDataBySQL",
    }
)

#: What the table says no operator may do: see tags, edit data, and anything with datasets.
_DENIED = frozenset(
    {
        "AddBinaryDataToDatasetByIDs",
        "AddTagsToBinaryDataByFilter",
        "AddTagsToBinaryDataByIDs",
        "CreateDataset",
        "DeleteBinaryDataByFilter",
        "DeleteBinaryDataByIDs",
        "DeleteDataset",
        "DeleteTabularData",
        "ListDatasetsByIDs",
        "ListDatasetsByOrganizationID",
        "MergeDatasets",
        "RemoveBinaryDataFromDatasetByIDs",
        "RemoveTagsFromBinaryDataByFilter",
        "RemoveTagsFromBinaryDataByIDs",
        "RenameDataset",
        "TagsByFilter",
    }
)

# Not in the table; they show data, or where it is, and change nothing (AC-2).
_ALIKE = frozenset({"BoundingBoxLabelsByFilter", "GetDatabaseConnection"})

#: What shows the fleet, and what lets its caller in somewhere (AP-10).
_FLEET = frozenset(
    {
        "AuthenticateTo",
        "GetLocation",
        "GetLocationMetadata",
        "GetOrganization",
        "GetOrganizationMetadata",
        "GetOrganizationsWithAccessToLocation",
        "GetRobot",
        "GetRobotMetadata",
        "GetRobotPart",
        "GetRobotPartByNameAndLocation",
        "GetRobotPartMetadata",
        "GetRobotParts",
        "GetUserIDByEmail",
        "ListLocations",
        "ListMachineSummaries",
        "ListOrganizations",
        "ListOrganizationsByUser",
        "ListRobots",
        "ListRobotsForLocations",
        "ListRobotsForOrg",
    }
)


def role_of(given: object) -> Role:
    """The role of that name.

    Raises:
        UsageError: There is none.
    """
    for role in _ROLES:
        if role == given:
            return role
    raise UsageError(f"role must be one of {', '.join(map(repr, _ROLES))}, got {given!r}")


def grounds(rpc: str) -> tuple[str, ...]:
    """The clauses that decide what an operator's call comes to."""
    if rpc in _FLEET:
        return ("AP-10",)
    return ("AC-1",) if rpc in _VIEWS | _DENIED else ("AC-1", "AC-2")


def check_role(role: Role, rpc: str) -> None:
    """Refuse what the role gives no right to (AC-1, AC-2).

    Raises:
        PermissionDeniedError: The call needs the owner.
    """
    if role == "operator" and rpc not in _VIEWS | _ALIKE | _FLEET:
        text = f"{rpc} needs an API key with the role 'owner'; this one has 'operator'"
        raise PermissionDeniedError(text, clause="AC-3")
