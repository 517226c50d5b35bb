"""The permissions of API keys by role: owners may do everything, operators may read data.

Viam's documentation has a table of permissions for owners and operators of organizations, locations
and machines (AC-1, AC-8).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from fakeviam.model.errors import PermissionDeniedError, UsageError
from fakeviam.model.roles import Role
from fakeviam.model.text import short

if TYPE_CHECKING:
    from fakeviam.model.policy import Policy

_ROLES: tuple[Role, ...] = get_args(Role)

#: "View data" and "Export data" in the table.
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

# Not in the table; they return data or its location, and change nothing (AC-2).
_ALIKE = frozenset({"BoundingBoxLabelsByFilter", "GetDatabaseConnection"})

#: RPCs that return the fleet, and those that give access to a machine (AP-10).
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


#: RPCs that keys of locations and machines may not call, and the clause for each.
_OF_ORGANIZATIONS = MappingProxyType(
    {
        "ConfigureDatabaseUser": "AC-9",
        **dict.fromkeys(
            (
                *("CreateDataPipeline", "DeleteDataPipeline", "DisableDataPipeline"),
                *("EnableDataPipeline", "GetDataPipeline", "ListDataPipelines"),
                *("ListDataPipelineRuns", "RenameDataPipeline"),
                *("CreateIndex", "DeleteIndex", "ListIndexes"),
                *("CreateSavedQuery", "DeleteSavedQuery", "GetSavedQuery", "ListSavedQueries"),
                "UpdateSavedQuery",
            ),
            "DP-17",
        ),
        **dict.fromkeys(
            (
                *("AddSequencesToDataset", "DeleteSequence", "GetSequence"),
                *("GetSequenceBinaryData", "GetSequenceDatasetExport", "ListSequences"),
                *("RemoveSequencesFromDataset", "SequencesByDatasetID"),
                *("StartSequenceDatasetExport", "UpdateSequence"),
            ),
            "SQ-16",
        ),
        "DeleteDataset": "AC-8",
        "GetDatabaseConnection": "AC-9",
        "MergeDatasets": "AC-9",
        "RenameDataset": "AC-8",
        "UpdateOrganizationMetadata": "AC-9",
    }
)


def role_of(value: object) -> Role:
    """The role with this name.

    Raises:
        UsageError: There is none.
    """
    for role in _ROLES:
        if role == value:
            return role
    raise UsageError(f"role must be one of {', '.join(map(repr, _ROLES))}, got {short(value)}")


def check_role(role: Role, level: str, rpc: str, policy: Policy) -> tuple[str, ...]:
    """Refuse an RPC that the role does not permit; returns the clauses that decided.

    Args:
        role: The role of the API key.
        level: The level of the API key: `organization`, `location` or `machine`.
        rpc: The name of the RPC.
        policy: Decides who may create datasets (AC-10).

    Raises:
        PermissionDeniedError: The call needs an owner, or an owner of the organization.
    """
    if role == "operator" and rpc not in _VIEWS | _ALIKE | _FLEET:
        text = f"{rpc} requires an API key with the role 'owner'; this one has 'operator'"
        raise PermissionDeniedError(text, clause="AC-3")
    clauses: list[str] = []
    if role == "operator":
        clauses += _grounds(rpc)
    if level == "organization":
        return tuple(clauses)
    clause = _OF_ORGANIZATIONS.get(rpc)
    if level == "machine" and rpc == "UpdateLocationMetadata":
        clause = "AC-9"
    if rpc == "CreateDataset":
        clauses.append("AC-10")
        clause = "AC-10" if policy.dataset_creation == "organization-owner" else None
    if clause is not None:
        text = f"{rpc} requires an API key of an organization; this one is of a {level}"
        raise PermissionDeniedError(text, clause=clause)
    return (*clauses, "AC-8")


def _grounds(rpc: str) -> tuple[str, ...]:
    """The clauses that permit operators to call this RPC."""
    if rpc in _FLEET:
        return ("AP-10",)
    return ("AC-1",) if rpc in _VIEWS else ("AC-1", "AC-2")
