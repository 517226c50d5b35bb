package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	datapb "go.viam.com/api/app/data/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// transport does what grpc-go can do to a connection, and looks at how calls fail.
func transport(ctx context.Context, c cloud) {
	pings := keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Second, PermitWithoutStream: true}
	conn := c.connect(ctx, grpc.WithKeepaliveParams(pings))
	defer conn.Close()
	data := datapb.NewDataServiceClient(conn)
	tags := func(ctx context.Context, options ...grpc.CallOption) error {
		_, err := data.TagsByFilter(ctx, &datapb.TagsByFilterRequest{Filter: dogs}, options...)
		return err
	}

	var header metadata.MD
	expect(tags(ctx, grpc.UseCompressor(gzip.Name), grpc.Header(&header)) == nil, "a compressed request was refused")
	expect(header.Get("grpc-accept-encoding")[0] != "", "what the server can decompress: %v", header)

	// More calls at once than one connection carries: the rest waits.
	var group sync.WaitGroup
	problems := make(chan error, 300)
	for range 300 {
		group.Go(func() { problems <- tags(ctx) })
	}
	group.Wait()
	close(problems)
	for problem := range problems {
		expect(problem == nil, "one of 300 calls at once: %v", problem)
	}

	// A fault that a call carries itself.
	fault := func(text string) context.Context {
		return metadata.AppendToOutgoingContext(ctx, "fakeviam-fault", text)
	}
	refused(tags(fault("RESOURCE_EXHAUSTED")), codes.ResourceExhausted, "")
	short, cancel := context.WithTimeout(fault(`{"effect": "stall"}`), 50*time.Millisecond)
	refused(tags(short), codes.DeadlineExceeded, "")
	cancel()
	refused(tags(fault(`{"effect": "reset-stream", "code": "INTERNAL_ERROR"}`)), codes.Internal, "")

	over, cancel := context.WithCancel(ctx)
	cancel()
	refused(tags(over), codes.Canceled, "")

	_, err := c.token(ctx, "wrong")
	refused(err, codes.Unauthenticated, "[AU-4]")
	anonymous := c.dial()
	defer anonymous.Close()
	_, err = datapb.NewDataServiceClient(anonymous).TagsByFilter(ctx, &datapb.TagsByFilterRequest{})
	refused(err, codes.Unauthenticated, "Authenticate first")
	err = conn.Invoke(ctx, "/viam.app.data.v1.DataService/TagsByFilters", &datapb.TagsByFilterRequest{}, &datapb.TagsByFilterResponse{})
	refused(err, codes.Unimplemented, "TagsByFilter")
	refused(tags(ctx, grpc.MaxCallSendMsgSize(1)), codes.ResourceExhausted, "")
}

const retries = `{"methodConfig": [{
	"name": [{"service": "viam.app.data.v1.DataService"}],
	"retryPolicy": {
		"maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

func patient(ctx context.Context, c cloud)   { failures(ctx, c, retries) }
func impatient(ctx context.Context, c cloud) { failures(ctx, c, "{}") }

// failures meets faults that were planned for it, and tells how calls ended.
func failures(ctx context.Context, c cloud, policy string) {
	conn := c.connect(ctx, grpc.WithDefaultServiceConfig(policy))
	defer conn.Close()
	data := datapb.NewDataServiceClient(conn)
	for _, label := range []string{"unavailable", "refused-stream", "goaway", "reset-connection", "expired"} {
		_, err := data.TagsByFilter(ctx, &datapb.TagsByFilterRequest{Filter: &datapb.Filter{ComponentName: label}})
		fmt.Println(label, status.Code(err))
	}
}
