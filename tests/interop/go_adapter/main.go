// An adapter of the contract kit, for a client in Go: docs/client-adapters.md describes what it speaks.
// The client is grpc-go with the stubs of Viam's API; put yours in its place. What is not here is
// "unsupported", and the kit does without it.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	datapb "go.viam.com/api/app/data/v1"
	datasetpb "go.viam.com/api/app/dataset/v1"
	syncpb "go.viam.com/api/app/datasync/v1"
	authpb "go.viam.com/utils/proto/rpc/v1"
)

type object = map[string]any

// unsupported is the adapter's own answer: the client has no such method or argument.
type unsupported string

func (what unsupported) Error() string { return string(what) }

func main() {
	for {
		request, err := read(os.Stdin)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		response := answer(request)
		response["id"] = request["id"]
		if err := write(os.Stdout, response); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// read takes one message off the stream: four bytes of length, and a serialized Struct.
func read(from io.Reader) (object, error) {
	var size uint32
	if err := binary.Read(from, binary.BigEndian, &size); err != nil {
		return nil, err
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(from, body); err != nil {
		return nil, err
	}
	var message structpb.Struct
	if err := proto.Unmarshal(body, &message); err != nil {
		return nil, err
	}
	return message.AsMap(), nil
}

func write(to io.Writer, response object) error {
	message, err := structpb.NewStruct(response)
	if err != nil {
		return err
	}
	body, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	var framed bytes.Buffer
	framed.Write(binary.BigEndian.AppendUint32(nil, uint32(len(body))))
	framed.Write(body)
	_, err = to.Write(framed.Bytes())
	return err
}

func answer(request object) object {
	result, err := done(request)
	var missing unsupported
	switch {
	case err == nil:
		return object{"ok": true, "result": result}
	case errors.As(err, &missing):
		return failed("unsupported", "", missing.Error())
	}
	if refusal, ok := status.FromError(err); ok {
		return failed("grpc", name(refusal.Code()), refusal.Message())
	}
	return failed("other", "", err.Error())
}

func failed(kind, status, text string) object {
	return object{"ok": false, "error": object{"kind": kind, "status": status, "text": text}}
}

// name writes a code as gRPC's specification does: NOT_FOUND where Go says NotFound.
func name(code codes.Code) string {
	if code == codes.Canceled {
		return "CANCELLED"
	}
	var text strings.Builder
	for at, letter := range code.String() {
		if at > 0 && letter >= 'A' && letter <= 'Z' && code != codes.OK {
			text.WriteByte('_')
		}
		text.WriteRune(letter)
	}
	return strings.ToUpper(text.String())
}

// done executes one request with a connection of its own.
func done(request object) (any, error) {
	method, _ := request["method"].(string)
	args, _ := request["args"].(object)
	if method == "describe" {
		return object{"name": "grpc-go", "version": grpc.Version, "paging": "caller"}, nil
	}
	trusted := insecure.NewCredentials()
	if file, ok := args["ca_file"].(string); ok {
		var err error
		if trusted, err = credentials.NewClientTLSFromFile(file, ""); err != nil {
			return nil, err
		}
	}
	target, _ := request["target"].(string)
	address := strings.TrimPrefix(target, "https://")
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(trusted))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx := context.Background()
	if method == "log_in" {
		return logIn(ctx, conn, args)
	}
	if headers, ok := request["metadata"].(object); ok {
		for key, value := range headers {
			ctx = metadata.AppendToOutgoingContext(ctx, key, fmt.Sprint(value))
		}
	}
	run, ok := methods[method]
	if !ok {
		return nil, unsupported(method + " does not exist")
	}
	for name := range args {
		if !strings.Contains(" "+run.takes+" ", " "+name+" ") {
			return nil, unsupported(method + " has no " + name)
		}
	}
	return run.call(ctx, conn, args)
}

func logIn(ctx context.Context, conn *grpc.ClientConn, args object) (any, error) {
	token, err := authpb.NewAuthServiceClient(conn).Authenticate(ctx, &authpb.AuthenticateRequest{
		Entity:      text(args["api_key_id"]),
		Credentials: &authpb.Credentials{Type: "api-key", Payload: text(args["api_key"])},
	})
	if err != nil {
		return nil, err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.GetAccessToken())
	return tagsByFilter(ctx, conn, object{})
}

// methods are those that this client has, with the arguments that they take.
var methods = map[string]struct {
	takes string
	call  func(context.Context, *grpc.ClientConn, object) (any, error)
}{
	"tags_by_filter":                {"filter", tagsByFilter},
	"tabular_data_by_filter":        {"filter limit last sort_order count_only include_internal_data", tabularDataByFilter},
	"file_upload":                   {"part_id data file_name file_extension tags", fileUpload},
	"create_dataset":                {"name organization_id", createDataset},
	"start_sequence_dataset_export": {"dataset_id timeout", startExport},
}

func tagsByFilter(ctx context.Context, conn *grpc.ClientConn, args object) (any, error) {
	filter, err := filterOf(args["filter"])
	if err != nil {
		return nil, err
	}
	reply, err := datapb.NewDataServiceClient(conn).TagsByFilter(ctx, &datapb.TagsByFilterRequest{Filter: filter})
	return list(reply.GetTags()), err
}

func tabularDataByFilter(ctx context.Context, conn *grpc.ClientConn, args object) (any, error) {
	filter, err := filterOf(args["filter"])
	if err != nil {
		return nil, err
	}
	limit, _ := args["limit"].(float64) // every number of a Struct is a double
	order, _ := args["sort_order"].(float64)
	counting, _ := args["count_only"].(bool)
	internal, _ := args["include_internal_data"].(bool)
	reply, err := datapb.NewDataServiceClient(conn).TabularDataByFilter(ctx, &datapb.TabularDataByFilterRequest{
		DataRequest: &datapb.DataRequest{
			Filter: filter, Limit: uint64(limit), Last: text(args["last"]), SortOrder: datapb.Order(order),
		},
		CountOnly:           counting,
		IncludeInternalData: internal,
	})
	if err != nil {
		return nil, err
	}
	records := []any{}
	for _, one := range reply.GetData() {
		records = append(records, object{
			"data":           one.GetData().AsMap(),
			"time_requested": moment(one.GetTimeRequested()),
			"time_received":  moment(one.GetTimeReceived()),
			"component_name": reply.GetMetadata()[one.GetMetadataIndex()].GetComponentName(),
		})
	}
	return object{"records": records, "last": reply.GetLast(), "count": float64(reply.GetCount())}, nil
}

func fileUpload(ctx context.Context, conn *grpc.ClientConn, args object) (any, error) {
	contents, _ := value(args["data"]).([]byte)
	stream, err := syncpb.NewDataSyncServiceClient(conn).FileUpload(ctx)
	if err != nil {
		return nil, err
	}
	first := &syncpb.FileUploadRequest{UploadPacket: &syncpb.FileUploadRequest_Metadata{Metadata: &syncpb.UploadMetadata{
		PartId: text(args["part_id"]), Type: syncpb.DataType_DATA_TYPE_FILE,
		FileName: text(args["file_name"]), FileExtension: text(args["file_extension"]), Tags: texts(args["tags"]),
	}}}
	err = stream.Send(first)
	for len(contents) > 0 && err == nil {
		size := min(len(contents), 64<<10)
		piece := &syncpb.FileData{Data: contents[:size]}
		err = stream.Send(&syncpb.FileUploadRequest{UploadPacket: &syncpb.FileUploadRequest_FileContents{FileContents: piece}})
		contents = contents[size:]
	}
	if err != nil && !errors.Is(err, io.EOF) { // io.EOF: the server has refused, and says why
		return nil, err
	}
	reply, err := stream.CloseAndRecv()
	return reply.GetBinaryDataId(), err
}

func createDataset(ctx context.Context, conn *grpc.ClientConn, args object) (any, error) {
	reply, err := datasetpb.NewDatasetServiceClient(conn).CreateDataset(ctx, &datasetpb.CreateDatasetRequest{
		Name: text(args["name"]), OrganizationId: text(args["organization_id"]),
	})
	return reply.GetId(), err
}

func startExport(ctx context.Context, conn *grpc.ClientConn, args object) (any, error) {
	if seconds, ok := args["timeout"].(float64); ok {
		limited, cancel := context.WithTimeout(ctx, time.Duration(seconds*float64(time.Second)))
		defer cancel()
		ctx = limited
	}
	reply, err := datasetpb.NewDatasetServiceClient(conn).StartSequenceDatasetExport(
		ctx, &datasetpb.StartSequenceDatasetExportRequest{DatasetId: text(args["dataset_id"])})
	return reply.GetJobId(), err
}

// Values -----------------------------------------------------------------------------------

// filterOf makes a filter of what the protocol has for one; nothing is no filter.
func filterOf(given any) (*datapb.Filter, error) {
	wrapped, ok := given.(object)
	if !ok {
		return nil, nil
	}
	fields, _ := wrapped["$filter"].(object)
	filter := &datapb.Filter{Interval: &datapb.CaptureInterval{}}
	for name, value := range fields {
		switch name {
		case "component_name":
			filter.ComponentName = text(value)
		case "component_type":
			filter.ComponentType = text(value)
		case "method":
			filter.Method = text(value)
		case "robot_name":
			filter.RobotName = text(value)
		case "robot_id":
			filter.RobotId = text(value)
		case "part_name":
			filter.PartName = text(value)
		case "part_id":
			filter.PartId = text(value)
		case "dataset_id":
			filter.DatasetId = text(value)
		case "location_ids":
			filter.LocationIds = texts(value)
		case "organization_ids":
			filter.OrganizationIds = texts(value)
		case "mime_type":
			filter.MimeType = texts(value)
		case "bbox_labels":
			filter.BboxLabels = texts(value)
		case "tags":
			filter.TagsFilter = &datapb.TagsFilter{Tags: texts(value)}
		case "start_time":
			filter.Interval.Start = stamp(value)
		case "end_time":
			filter.Interval.End = stamp(value)
		default:
			return nil, unsupported("a filter has no " + name)
		}
	}
	return filter, nil
}

func text(given any) string {
	text, _ := given.(string)
	return text
}

func texts(given any) []string {
	var texts []string
	items, _ := given.([]any)
	for _, item := range items {
		texts = append(texts, text(item))
	}
	return texts
}

func list(texts []string) []any {
	items := []any{}
	for _, text := range texts {
		items = append(items, text)
	}
	return items
}

// value is what {"$bytes": …} and {"$time": …} stand for; everything else stands for itself.
func value(given any) any {
	wrapped, ok := given.(object)
	if !ok || len(wrapped) != 1 {
		return given
	}
	if encoded, ok := wrapped["$bytes"].(string); ok {
		contents, err := base64.StdEncoding.DecodeString(encoded)
		if err == nil {
			return contents
		}
	}
	if written, ok := wrapped["$time"].(string); ok {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if moment, err := time.Parse(layout, written); err == nil {
				return moment // without an offset it is UTC
			}
		}
	}
	return given
}

func stamp(given any) *timestamppb.Timestamp {
	moment, _ := value(given).(time.Time)
	return timestamppb.New(moment)
}

func moment(stamp *timestamppb.Timestamp) object {
	return object{"$time": stamp.AsTime().Format(time.RFC3339Nano)}
}
