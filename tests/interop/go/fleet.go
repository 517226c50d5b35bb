package main

import (
	"context"

	apppb "go.viam.com/api/app/v1"
	"google.golang.org/grpc/codes"
)

// fleet goes from the organizations down to a part, and up again by ids.
func fleet(ctx context.Context, c cloud) {
	conn := c.connect(ctx)
	defer conn.Close()
	app := apppb.NewAppServiceClient(conn)

	organization := must(app.ListOrganizations(ctx, &apppb.ListOrganizationsRequest{})).GetOrganizations()[0]
	location := must(app.ListLocations(ctx, &apppb.ListLocationsRequest{OrganizationId: organization.GetId()})).GetLocations()[0]
	expect(location.GetRobotCount() == 1, "robot_count: %v", location)
	robot := must(app.ListRobots(ctx, &apppb.ListRobotsRequest{LocationId: location.GetId()})).GetRobots()[0]
	part := must(app.GetRobotParts(ctx, &apppb.GetRobotPartsRequest{RobotId: robot.GetId()})).GetParts()[0]
	expect(part.GetId() == c.part && part.GetMainPart(), "the main part: %v", part)

	expect(must(app.GetOrganization(ctx, &apppb.GetOrganizationRequest{OrganizationId: organization.GetId()})).GetOrganization().GetName() == "fake-org", "the organization's name")
	expect(must(app.GetLocation(ctx, &apppb.GetLocationRequest{LocationId: location.GetId()})).GetLocation().GetId() == location.GetId(), "the location")
	expect(must(app.GetRobot(ctx, &apppb.GetRobotRequest{Id: robot.GetId()})).GetRobot().GetLocation() == location.GetId(), "the robot")
	expect(must(app.GetRobotPart(ctx, &apppb.GetRobotPartRequest{Id: c.part})).GetPart().GetRobot() == robot.GetId(), "the part")
	summaries := must(app.ListMachineSummaries(ctx, &apppb.ListMachineSummariesRequest{OrganizationId: organization.GetId()}))
	expect(len(summaries.GetLocationSummaries()) == 1, "summaries: %v", summaries)

	_, err := app.GetRobot(ctx, &apppb.GetRobotRequest{Id: "fake-robot"})
	refused(err, codes.NotFound, "is a name, its id is")
	_, err = app.ListFragments(ctx, &apppb.ListFragmentsRequest{OrganizationId: organization.GetId()})
	refused(err, codes.Unimplemented, "docs/rpcs.md")
}
