package main

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	datapb "go.viam.com/api/app/data/v1"
	apppb "go.viam.com/api/app/v1"
)

// connectProtocols calls by each protocol that connect-go has.
func connectProtocols(ctx context.Context, c cloud) {
	token := must(c.token(ctx, c.key))
	var over1, over2 http.Protocols
	over1.SetHTTP1(true)
	over2.SetHTTP2(true)
	over2.SetUnencryptedHTTP2(true)
	for version, protocols := range map[string]*http.Protocols{"1.1": &over1, "2": &over2} {
		client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
		for protocol, options := range map[string][]connect.ClientOption{
			"Connect":  {connect.WithSendGzip()},
			"JSON":     {connect.WithProtoJSON()},
			"gRPC":     {connect.WithGRPC()},
			"gRPC-Web": {connect.WithGRPCWeb(), connect.WithSendGzip()},
		} {
			if protocol != "gRPC" || version == "2" { // gRPC is of HTTP/2 alone
				byConnect(ctx, c, protocol+" over HTTP/"+version, client, token, options)
			}
		}
	}
}

func byConnect(ctx context.Context, c cloud, label string, client *http.Client, token string, options []connect.ClientOption) {
	organizations := connect.NewClient[apppb.ListOrganizationsRequest, apppb.ListOrganizationsResponse](client, c.url+"/viam.app.v1.AppService/ListOrganizations", options...)
	request := connect.NewRequest(&apppb.ListOrganizationsRequest{})
	request.Header().Set("authorization", "Bearer "+token)
	reply, err := organizations.CallUnary(ctx, request)
	expect(err == nil && reply.Msg.GetOrganizations()[0].GetName() == "fake-org", "%s: %v", label, err)

	_, err = organizations.CallUnary(ctx, connect.NewRequest(&apppb.ListOrganizationsRequest{}))
	expect(connect.CodeOf(err) == connect.CodeUnauthenticated && strings.Contains(err.Error(), "[AU-4]"), "%s, without a token: %v", label, err)

	export := connect.NewClient[datapb.ExportTabularDataRequest, datapb.ExportTabularDataResponse](client, c.url+"/viam.app.data.v1.DataService/ExportTabularData", options...)
	asked := connect.NewRequest(&datapb.ExportTabularDataRequest{PartId: c.part, ResourceName: "counter", ResourceSubtype: "rdk:component:sensor", MethodName: "Readings"})
	asked.Header().Set("authorization", "Bearer "+token)
	stream := must(export.CallServerStream(ctx, asked))
	rows := 0
	for stream.Receive() {
		rows++
	}
	expect(stream.Err() == nil && rows == 3, "%s: %d rows, %v", label, rows, stream.Err())
}
