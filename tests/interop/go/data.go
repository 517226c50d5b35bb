package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	datapb "go.viam.com/api/app/data/v1"
	datasetpb "go.viam.com/api/app/dataset/v1"
	syncpb "go.viam.com/api/app/datasync/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const organization = "f4ce0000-0000-4000-8000-0000000000a1"

var (
	start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	dogs  = &datapb.Filter{ComponentName: "cam"}
)

// dataAndDatasets captures, tags, boxes, collects, queries, exports and deletes.
func dataAndDatasets(ctx context.Context, c cloud) {
	conn := c.connect(ctx)
	defer conn.Close()
	data := datapb.NewDataServiceClient(conn)
	datasets := datasetpb.NewDatasetServiceClient(conn)

	ids := capture(ctx, c, syncpb.NewDataSyncServiceClient(conn))
	pages(ctx, data, ids)
	annotations(ctx, data, ids[0])
	collections(ctx, data, datasets, ids)
	readings(ctx, c, data)
	downloads(ctx, c, data, ids[0])
	deletions(ctx, data, ids)
}

// capture uploads what a machine's data manager does: five images and three readings.
func capture(ctx context.Context, c cloud, sync syncpb.DataSyncServiceClient) []string {
	var ids []string
	for number := range 5 {
		image := &syncpb.SensorData{
			Metadata: sensorMetadata(number),
			Data:     &syncpb.SensorData_Binary{Binary: []byte(fmt.Sprint("picture ", number))},
		}
		uploaded := must(sync.DataCaptureUpload(ctx, &syncpb.DataCaptureUploadRequest{
			Metadata: &syncpb.UploadMetadata{
				PartId: c.part, ComponentType: "rdk:component:camera", ComponentName: "cam", MethodName: "ReadImage",
				Type: syncpb.DataType_DATA_TYPE_BINARY_SENSOR, FileExtension: ".jpg", Tags: []string{"morning"},
			},
			SensorContents: []*syncpb.SensorData{image},
		}))
		ids = append(ids, uploaded.GetBinaryDataId())
	}
	var contents []*syncpb.SensorData
	for number := range 3 {
		reading := must(structpb.NewStruct(map[string]any{"readings": map[string]any{"n": float64(number)}}))
		contents = append(contents, &syncpb.SensorData{
			Metadata: sensorMetadata(number), Data: &syncpb.SensorData_Struct{Struct: reading},
		})
	}
	must(sync.DataCaptureUpload(ctx, &syncpb.DataCaptureUploadRequest{
		Metadata: &syncpb.UploadMetadata{
			PartId: c.part, ComponentType: "rdk:component:sensor", ComponentName: "counter", MethodName: "Readings",
			Type: syncpb.DataType_DATA_TYPE_TABULAR_SENSOR,
		},
		SensorContents: contents,
	}))
	return ids
}

func sensorMetadata(minute int) *syncpb.SensorMetadata {
	at := timestamppb.New(start.Add(time.Duration(minute) * time.Minute))
	return &syncpb.SensorMetadata{TimeRequested: at, TimeReceived: at}
}

// pages reads all images, two at a time, until there is no more.
func pages(ctx context.Context, data datapb.DataServiceClient, ids []string) {
	var seen []string
	for last := ""; ; {
		page := must(data.BinaryDataByFilter(ctx, &datapb.BinaryDataByFilterRequest{
			DataRequest: &datapb.DataRequest{Filter: dogs, Limit: 2, Last: last, SortOrder: datapb.Order_ORDER_ASCENDING},
		}))
		if len(page.GetData()) == 0 {
			break
		}
		for _, each := range page.GetData() {
			seen = append(seen, each.GetMetadata().GetBinaryDataId())
		}
		last = page.GetLast()
	}
	expect(slices.Equal(seen, ids), "pages: %v, uploaded: %v", seen, ids)
	found := must(data.BinaryDataByFilter(ctx, &datapb.BinaryDataByFilterRequest{
		DataRequest: &datapb.DataRequest{Filter: dogs}, CountOnly: true,
	}))
	expect(found.GetCount() == 5, "count: %v", found)
}

func annotations(ctx context.Context, data datapb.DataServiceClient, id string) {
	must(data.AddTagsToBinaryDataByIDs(ctx, &datapb.AddTagsToBinaryDataByIDsRequest{BinaryDataIds: []string{id}, Tags: []string{"evening"}}))
	tags := must(data.TagsByFilter(ctx, &datapb.TagsByFilterRequest{Filter: dogs})).GetTags()
	expect(slices.Equal(tags, []string{"evening", "morning"}), "tags: %v", tags)
	removed := must(data.RemoveTagsFromBinaryDataByIDs(ctx, &datapb.RemoveTagsFromBinaryDataByIDsRequest{BinaryDataIds: []string{id}, Tags: []string{"evening"}}))
	expect(removed.GetDeletedCount() == 1, "removed: %v", removed)
	box := must(data.AddBoundingBoxToImageByID(ctx, &datapb.AddBoundingBoxToImageByIDRequest{
		BinaryDataId: id, Label: "dog", XMinNormalized: 0.1, YMinNormalized: 0.1, XMaxNormalized: 0.9, YMaxNormalized: 0.9,
	})).GetBboxId()
	labels := must(data.BoundingBoxLabelsByFilter(ctx, &datapb.BoundingBoxLabelsByFilterRequest{Filter: dogs})).GetLabels()
	expect(slices.Equal(labels, []string{"dog"}), "labels: %v", labels)
	must(data.RemoveBoundingBoxFromImageByID(ctx, &datapb.RemoveBoundingBoxFromImageByIDRequest{BinaryDataId: id, BboxId: box}))
}

func collections(ctx context.Context, data datapb.DataServiceClient, datasets datasetpb.DatasetServiceClient, ids []string) {
	create := func(name string) (*datasetpb.CreateDatasetResponse, error) {
		return datasets.CreateDataset(ctx, &datasetpb.CreateDatasetRequest{OrganizationId: organization, Name: name})
	}
	dataset := must(create("cats")).GetId()
	_, err := create("cats")
	refused(err, codes.AlreadyExists, "[A39]")
	must(datasets.RenameDataset(ctx, &datasetpb.RenameDatasetRequest{Id: dataset, Name: "dogs"}))
	must(data.AddBinaryDataToDatasetByIDs(ctx, &datapb.AddBinaryDataToDatasetByIDsRequest{BinaryDataIds: ids, DatasetId: dataset}))
	must(data.RemoveBinaryDataFromDatasetByIDs(ctx, &datapb.RemoveBinaryDataFromDatasetByIDsRequest{BinaryDataIds: ids[:2], DatasetId: dataset}))
	members := must(data.BinaryDataByFilter(ctx, &datapb.BinaryDataByFilterRequest{
		DataRequest: &datapb.DataRequest{Filter: &datapb.Filter{DatasetId: dataset}},
	}))
	expect(members.GetCount() == 3, "members: %v", members)
	found := must(datasets.ListDatasetsByOrganizationID(ctx, &datasetpb.ListDatasetsByOrganizationIDRequest{OrganizationId: organization})).GetDatasets()
	expect(len(found) == 1 && found[0].GetName() == "dogs", "datasets: %v", found)
	other := must(create("birds")).GetId()
	merged := must(datasets.MergeDatasets(ctx, &datasetpb.MergeDatasetsRequest{
		OrganizationId: organization, Name: "all", DatasetIds: []string{dataset, other},
	})).GetDatasetId()
	for _, id := range []string{dataset, other, merged} {
		must(datasets.DeleteDataset(ctx, &datasetpb.DeleteDatasetRequest{Id: id}))
	}
	left := must(datasets.ListDatasetsByIDs(ctx, &datasetpb.ListDatasetsByIDsRequest{Ids: []string{dataset, merged}}))
	expect(len(left.GetDatasets()) == 0, "left: %v", left)
}

// readings are found by filter, by a pipeline of MQL, as a stream, and the newest one alone.
func readings(ctx context.Context, c cloud, data datapb.DataServiceClient) {
	rows := must(data.TabularDataByFilter(ctx, &datapb.TabularDataByFilterRequest{DataRequest: &datapb.DataRequest{Limit: 10}}))
	expect(rows.GetCount() == 3, "rows: %v", rows)

	var stages [][]byte
	for _, stage := range []bson.D{
		{{Key: "$match", Value: bson.D{{Key: "time_received", Value: bson.D{{Key: "$gte", Value: start.Add(time.Minute)}}}}}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$component_name"}, {Key: "sum", Value: bson.D{{Key: "$sum", Value: "$data.readings.n"}}}}}},
	} {
		stages = append(stages, must(bson.Marshal(stage)))
	}
	answer := must(data.TabularDataByMQL(ctx, &datapb.TabularDataByMQLRequest{OrganizationId: organization, MqlBinary: stages})).GetRawData()
	var group struct {
		ID  string  `bson:"_id"`
		Sum float64 `bson:"sum"`
	}
	expect(len(answer) == 1 && bson.Unmarshal(answer[0], &group) == nil && group.ID == "counter" && group.Sum == 3, "MQL: %v", group)

	answer = must(data.TabularDataBySQL(ctx, &datapb.TabularDataBySQLRequest{
		OrganizationId: organization, SqlQuery: "SELECT SUM(data.readings.n) AS sum FROM readings",
	})).GetRawData()
	expect(len(answer) == 1 && bson.Unmarshal(answer[0], &group) == nil && group.Sum == 3, "SQL: %v", group)

	stream := must(data.ExportTabularData(ctx, &datapb.ExportTabularDataRequest{
		PartId: c.part, ResourceName: "counter", ResourceSubtype: "rdk:component:sensor", MethodName: "Readings",
	}))
	exported := 0
	for {
		row, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		expect(err == nil && row.GetResourceName() == "counter", "row: %v, %v", row, err)
		exported++
	}
	expect(exported == 3, "exported: %d", exported)
	latest := must(data.GetLatestTabularData(ctx, &datapb.GetLatestTabularDataRequest{
		PartId: c.part, ResourceName: "counter", ResourceSubtype: "rdk:component:sensor", MethodName: "Readings",
	}))
	expect(latest.GetTimeCaptured().AsTime().Equal(start.Add(2*time.Minute)), "latest: %v", latest)
}

// downloads has the bytes of a file in a reply, by its uri with the key, and by a signed URL without.
func downloads(ctx context.Context, c cloud, data datapb.DataServiceClient, id string) {
	reply := must(data.BinaryDataByIDs(ctx, &datapb.BinaryDataByIDsRequest{BinaryDataIds: []string{id}, IncludeBinary: true}))
	expect(string(reply.GetData()[0].GetBinary()) == "picture 0", "reply: %v", reply)
	uri := reply.GetData()[0].GetMetadata().GetUri()
	expect(c.get(uri, true) == "200 picture 0", "by uri: %s", c.get(uri, true))
	expect(strings.HasPrefix(c.get(uri, false), "401 "), "by uri, without a key: %s", c.get(uri, false))
	signed := must(data.CreateBinaryDataSignedURL(ctx, &datapb.CreateBinaryDataSignedURLRequest{BinaryDataId: id})).GetSignedUrl()
	expect(c.get(signed, false) == "200 picture 0", "by signed URL: %s", c.get(signed, false))
}

func (c cloud) get(url string, withKey bool) string {
	request := must(http.NewRequest(http.MethodGet, url, nil))
	if withKey { // as the viam command line does
		request.Header.Set("key_id", c.keyID)
		request.Header.Set("key", c.key)
	}
	answer := must(http.DefaultClient.Do(request))
	defer answer.Body.Close()
	return fmt.Sprint(answer.StatusCode, " ", string(must(io.ReadAll(answer.Body))))
}

func deletions(ctx context.Context, data datapb.DataServiceClient, ids []string) {
	deleted := must(data.DeleteBinaryDataByIDs(ctx, &datapb.DeleteBinaryDataByIDsRequest{BinaryDataIds: ids[:1]}))
	expect(deleted.GetDeletedCount() == 1, "deleted by id: %v", deleted)
	gone := must(data.BinaryDataByIDs(ctx, &datapb.BinaryDataByIDsRequest{BinaryDataIds: ids[:1]}))
	expect(gone.GetCount() == 0, "deleted, and found: %v", gone)
	rest := must(data.DeleteBinaryDataByFilter(ctx, &datapb.DeleteBinaryDataByFilterRequest{Filter: dogs}))
	expect(rest.GetDeletedCount() == 4, "deleted by filter: %v", rest)
	rows := must(data.DeleteTabularData(ctx, &datapb.DeleteTabularDataRequest{OrganizationId: organization}))
	expect(rows.GetDeletedCount() == 3, "deleted readings: %v", rows)
}
