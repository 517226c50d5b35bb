module interop

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	go.mongodb.org/mongo-driver/v2 v2.10.0
	go.viam.com/api v0.0.0
	go.viam.com/utils v0.0.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
)

// Made of the fake's own descriptors; see ../go_programs.py.
replace (
	go.viam.com/api => ../go.viam.com/api
	go.viam.com/utils => ../go.viam.com/utils
)
