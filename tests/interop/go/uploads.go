package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"

	datapb "go.viam.com/api/app/data/v1"
	syncpb "go.viam.com/api/app/datasync/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

const (
	chunk   = 64 << 10  // of an upload, as viam-server and the SDK cut them
	receive = 32 << 20  // what Viam's own Go clients take in one message
	large   = 100 << 20 // of a video, or a point cloud
)

// uploads sends files in streams, and has them back within and beyond what a client receives.
func uploads(ctx context.Context, c cloud) {
	conn := c.connect(ctx, grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(receive)))
	defer conn.Close()
	data := datapb.NewDataServiceClient(conn)
	sync := syncpb.NewDataSyncServiceClient(conn)
	read := func(id string) ([]byte, error) {
		reply, err := data.BinaryDataByIDs(ctx, &datapb.BinaryDataByIDsRequest{BinaryDataIds: []string{id}, IncludeBinary: true})
		if err != nil {
			return nil, err
		}
		return reply.GetData()[0].GetBinary(), nil
	}

	within := pattern(receive - 1<<16)
	expect(bytes.Equal(must(read(c.file(ctx, sync, within))), within), "a file of almost 32 MiB came back changed")
	streamed := pattern(3 * chunk / 2)
	expect(bytes.Equal(must(read(c.streamed(ctx, sync, streamed))), streamed), "a streamed capture came back changed")

	beyond := pattern(large)
	id := c.file(ctx, sync, beyond)
	_, err := read(id)
	refused(err, codes.ResourceExhausted, "")
	reply := must(data.BinaryDataByIDs(ctx, &datapb.BinaryDataByIDsRequest{BinaryDataIds: []string{id}}))
	uri := reply.GetData()[0].GetMetadata().GetUri()
	expect(sha256.Sum256([]byte(c.get(uri, true)[4:])) == sha256.Sum256(beyond), "a file of 100 MiB came back changed")

	stream := must(sync.FileUpload(ctx))
	_ = stream.Send(&syncpb.FileUploadRequest{UploadPacket: &syncpb.FileUploadRequest_FileContents{FileContents: &syncpb.FileData{Data: []byte("x")}}})
	_, err = stream.CloseAndRecv()
	refused(err, codes.InvalidArgument, "metadata")
}

// file uploads a file in chunks, as viam-server does with what lies in a folder.
func (c cloud) file(ctx context.Context, sync syncpb.DataSyncServiceClient, content []byte) string {
	stream := must(sync.FileUpload(ctx))
	metadata := &syncpb.UploadMetadata{PartId: c.part, Type: syncpb.DataType_DATA_TYPE_FILE, FileName: "video.mp4", FileExtension: ".mp4"}
	send(stream.Send(&syncpb.FileUploadRequest{UploadPacket: &syncpb.FileUploadRequest_Metadata{Metadata: metadata}}))
	for part := range chunks(content) {
		send(stream.Send(&syncpb.FileUploadRequest{UploadPacket: &syncpb.FileUploadRequest_FileContents{FileContents: &syncpb.FileData{Data: part}}}))
	}
	return must(stream.CloseAndRecv()).GetBinaryDataId()
}

// streamed uploads one large capture in chunks, as viam-server does beyond a megabyte.
func (c cloud) streamed(ctx context.Context, sync syncpb.DataSyncServiceClient, content []byte) string {
	stream := must(sync.StreamingDataCaptureUpload(ctx))
	metadata := &syncpb.DataCaptureUploadMetadata{
		UploadMetadata: &syncpb.UploadMetadata{
			PartId: c.part, ComponentType: "rdk:component:camera", ComponentName: "lidar", MethodName: "NextPointCloud",
			Type: syncpb.DataType_DATA_TYPE_BINARY_SENSOR, FileExtension: ".pcd",
		},
		SensorMetadata: sensorMetadata(0),
	}
	send(stream.Send(&syncpb.StreamingDataCaptureUploadRequest{UploadPacket: &syncpb.StreamingDataCaptureUploadRequest_Metadata{Metadata: metadata}}))
	for part := range chunks(content) {
		send(stream.Send(&syncpb.StreamingDataCaptureUploadRequest{UploadPacket: &syncpb.StreamingDataCaptureUploadRequest_Data{Data: part}}))
	}
	return must(stream.CloseAndRecv()).GetBinaryDataId()
}

// send lets the end of a stream pass: why the server ended it is what CloseAndRecv tells.
func send(err error) {
	expect(err == nil || errors.Is(err, io.EOF), "sending: %v", err)
}

func chunks(content []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(content) > 0 {
			size := min(chunk, len(content))
			if !yield(content[:size]) {
				return
			}
			content = content[size:]
		}
	}
}

func pattern(size int) []byte {
	content := make([]byte, size)
	for place := range content {
		content[place] = byte(place ^ place>>9)
	}
	return content
}
