"""The catalogue of clauses: every decision the fake takes, and what it rests on.

One line a clause: id, evidence, source, sentence. Evidence: `D` documented, `R` relied on
by a shipping client, `O` observed in public, `?` assumed. Sources: `seed` is the DataClient
documentation of viam-sdk 0.15.0, `sdk` that of newer releases, `api` the comments of Viam's
published protos, `client` the code of shipping clients, `web` docs.viam.com, `public` issues
and discussions, `us` our inference, `fake` what fakeviam promises about itself.
"""

# ruff: noqa: E501 - a table: one clause, one line, found by one grep

from __future__ import annotations

from types import MappingProxyType

from fakeviam.model.evidence import Clause, Evidence

_LEVELS = {
    "D": Evidence.DOCUMENTED,
    "R": Evidence.RELIED_ON,
    "O": Evidence.OBSERVED,
    "?": Evidence.ASSUMED,
}

_TABLE = """
FI-1  D api    Every field of a filter that is set narrows the result; fields combine with AND.
FI-2  D seed   No filter, or an empty one, selects everything of that kind.
FI-3  R client An empty string or an empty list constrains nothing.
FI-4  R client Strings compare exactly, with case.
FI-5  R client Several locations, organizations or MIME types: any one of them may match.
FI-6  D api    A tags filter without type, or MATCH_BY_OR: at least one of its tags is on the record.
FI-7  D api    TAGGED selects records with any user tag, UNTAGGED those with none; tags in the filter are ignored.
FI-8  R client A tags filter that is present, but without type and tags, constrains nothing.
FI-9  ? us     MATCH_BY_OR with an empty list: see A17.
FI-10 D api    bbox_labels: at least one box carries one of the labels.
FI-11 D sdk    dataset_id: only members of that dataset.
FI-12 D sdk    dataset_id with UNTAGGED finds members without user tags; membership does not count as a tag.
FI-13 R client Each end of an interval is optional; a missing end is open.
FI-14 ? us     Which time an interval applies to, and whether its ends are inclusive: see A2 and A3.
FI-15 D web    Names and ids that match nothing give an empty result, not an error.
FI-16 ? us     bbox_labels, dataset_id and mime_type of readings: see A18.
FI-17 ? us     An unknown tags filter type is an error.
PG-1  D sdk    limit is the maximum size of a page; the default is 50.
PG-2  R client Pages of up to 100 records are served.
PG-3  D api    last, taken from the previous reply, continues after that page.
PG-4  R client A page with data always has a non-empty last, including the final page.
PG-5  R client Past the end the reply is OK, without data, metadata or last.
PG-6  D api    sort_order sorts by time, in either direction.
PG-7  R client Paging neither skips nor repeats records when others are deleted or changed between pages.
PG-8  D sdk    count_only requests the total alone.
PG-9  D sdk    count is the number of entries.
PG-10 D sdk    Internal data is included only if include_internal_data is set.
PG-11 ? us     Records of equal time are ordered by arrival.
PG-12 ? us     An unknown sort order is an error.
ID-1  D api    Binary data is named by a BinaryID or by a string id; each request has a field for both.
ID-2  D sdk    The string id is organization, location and file id, joined by slashes.
ID-3  D sdk    Metadata has the bare file id, the full id, the organization and the location.
ID-4  R client A request may use either form of id, whatever the form of earlier ones.
ID-5  D seed   An empty list of ids is an error.
ID-6  R client Ids that match nothing may give fewer results without an error.
ID-7  ? us     A string that is not three parts joined by slashes is an unknown id; under unknown_ids=refuse the error names it.
ID-8  ? us     If one record is named in both forms, both must name the same one.
ID-9  O public Organizations, machines and parts are UUIDs, locations ten small letters and digits, files 64 letters and digits.
TM-1  R client Times are UTC and keep their nanoseconds.
TM-2  R client Clients show an unset time as 1970, so replies set every time.
TM-3  ? us     A time outside the years 1 to 9999, or with impossible nanoseconds, is an error.
TD-1  D seed   TabularDataByFilter returns the matching readings, a page at a time.
TD-2  R client metadata_index of each reading points into the metadata of the same reply.
TD-3  D seed   A reading is returned with its data, its time requested and its time received.
TD-4  O public Readings with the same capture metadata share one entry of metadata.
DT-1  D seed   DeleteTabularData deletes an organization's readings older than some days; 0 deletes all.
DT-2  D api    Days are UTC calendar days: 1 deletes everything up to the end of yesterday.
DT-3  D api    A delete filter narrows further; unset fields constrain nothing.
DT-4  D api    The reply counts the readings deleted.
BF-1  D seed   BinaryDataByFilter returns the matching binary records, a page at a time.
BF-2  D seed   include_binary decides whether bytes are included; metadata always is.
BF-4  R client Pages of one record with bytes are common.
BI-1  D seed   BinaryDataByIDs returns the records of the ids; at least one id is required.
BI-2  D api    include_binary decides whether bytes are included.
BI-3  R client Results are in the order of the request.
BI-4  ? us     count is the number of records returned.
BI-6  R client A reply with more bytes than the service sends is refused with RESOURCE_EXHAUSTED and INCLUDE_BINARY_TOO_LARGE.
DF-1  D seed   DeleteBinaryDataByFilter deletes the matching records; an empty filter deletes all.
DF-2  D sdk    Newer documentation requires an organization in that filter (policy empty_delete_filter).
DF-3  R client include_internal_data decides whether internal data is deleted too.
DF-4  D api    The reply counts the files deleted.
DI-1  D seed   DeleteBinaryDataByIDs deletes the records of the ids and counts them; at least one id is required.
TA-1  D api    Every tag is added to every selected record; a tag that is already present is not added again.
TA-2  D seed   Empty tags are an error, and so are empty ids.
TA-3  D seed   Adding tags by filter without a filter tags everything.
TA-4  ? us     A blank tag is an error.
TA-5  O public Tags are kept as sent, with case, and with characters such as : and --.
TA-6  ? us     Tags are in the order in which they were first added.
TR-1  D seed   The tags are removed from the selected records; empty tags are an error, and so are empty ids.
TR-2  D seed   The reply is a count (policy remove_tags_count).
TG-1  D seed   TagsByFilter returns the distinct tags of matching data; without a filter, all of them.
BX-1  D seed   A new box gets an id, which is returned.
BX-2  D seed   Coordinates outside 0 to 1 are an error.
BX-3  ? us     A blank label is an error.
BX-4  D api    confidence is optional and from 0 to 1.
BX-5  D api    The box appears in the annotations of the image under its id.
BX-6  ? us     Only images can have boxes.
BX-7  ? us     A minimum above its maximum is an error; equal values are not.
BX-8  ? us     A box for a record that does not exist is NOT_FOUND.
BR-1  D api    Removing a box requires the image and the box; other boxes stay.
BR-2  ? us     Removing a box that does not exist is NOT_FOUND.
BU-1  D api    UpdateBoundingBox changes the box with that id on that image.
BU-2  R client Only the fields that are present change.
BU-3  D sdk    The changed box must be a valid box.
BU-4  ? us     Updating a box that does not exist is NOT_FOUND.
BL-1  D seed   BoundingBoxLabelsByFilter returns the distinct labels of boxes on matching data.
BL-2  ? us     Labels are sorted.
DM-1  D seed   Binary data can be added to and removed from a dataset.
DM-2  D seed   A member carries the label VIAM_DATASET_{id} until it is removed (policy dataset_label).
DM-3  R client Membership appears in dataset_ids and is what a filter's dataset_id matches.
DM-4  D web    Members are references; removing one leaves the data.
DM-5  D api    A dataset of sequences does not accept binary data.
DM-6  ? us     Adding an existing member or removing a non-member changes nothing.
DM-7  ? us     A dataset accepts binary data of its own organization only.
DM-8  ? us     Empty ids are an error for membership too.
DM-9  ? us     An upload into a dataset of sequences is an error.
DB-1  D seed   GetDatabaseConnection returns the host of an organization's database.
DB-2  R client An organization that does not exist is NOT_FOUND.
DB-3  D api    ConfigureDatabaseUser creates the user or resets its password.
DB-4  R client has_database_user is true once that has happened.
DB-5  ? us     An empty password is an error.
DB-6  ? us     An empty organization is an error.
UP-1  D seed   The part decides organization, location and robot; an invalid part is an error.
UP-2  R client type is binary sensor, tabular sensor or file.
UP-3  R client A file extension may be given with or without its dot.
UP-4  D seed   The MIME type is derived from the extension; .jpg, .jpeg and .png are images.
UP-5  D sdk    An explicit MIME type takes precedence over the extension.
UP-6  D seed   The file name is kept as sent; without one it is empty.
UP-7  D sdk    Tags and dataset ids of an upload apply to the new records.
UP-8  D seed   method_parameters are kept, and no longer used.
UP-9  D web    Uploading the same bytes twice gives two records.
UP-10 ? us     A record keeps the names its part had at the time of the upload.
UP-11 ? us     Readings cannot be members: the dataset ids of their upload must exist, but have no effect.
UP-12 ? us     The deprecated MIME enum of sensor metadata counts if there is no explicit MIME type.
UP-13 O public A file name may be the whole path on the machine, with directories such as tag=x; it is kept as sent, and gives no tag.
CU-1  D api    One DataCaptureUpload carries any number of sensor contents, each with its own times.
CU-2  D seed   n readings become n records that share the metadata.
CU-3  R client Contents that mix readings and bytes are an error.
CU-4  R client A binary upload returns both ids, a tabular upload the file id.
CU-6  R client Annotations sent with an upload are stored.
CU-7  ? us     An upload without sensor contents is an error.
CU-8  ? us     A sensor content without a reading and without bytes is an error.
CU-9  ? us     Annotations on a reading are an error.
FU-1  D api    FileUpload starts with metadata; contents follow.
FU-2  R client Contents are sent in any number of messages, including none.
FU-3  R client Contents are joined in the order received.
FU-4  ? us     The file's creation time is its capture time unless another is given.
FU-5  ? us     A message of an upload without metadata and without contents is an error.
SU-1  D api    StreamingDataCaptureUpload starts with metadata; bytes follow.
SU-2  R client Empty sensor metadata is the same as none.
DS-1  D seed   CreateDataset creates a dataset in an organization and returns its id.
DS-2  D seed   DeleteDataset removes the dataset; its data stays.
DS-3  D seed   RenameDataset renames it.
DS-4  D seed   ListDatasetsByOrganizationID returns all datasets of an organization.
DS-5  D seed   ListDatasetsByIDs returns the datasets of the ids.
DS-6  R client Unknown dataset ids are omitted from a list.
DS-7  ? us     A blank dataset name is an error.
DS-8  D web    Names are unique within an organization.
DS-9  D api    The type is binary data by default, and never changes.
DS-10 D api    MergeDatasets creates a new dataset from several and returns its id.
DS-11 ? us     An organization that does not exist is NOT_FOUND.
DS-12 ? us     Merging no datasets is an error.
DS-13 ? us     An unknown dataset type is an error.
DS-14 ? us     A dataset may be renamed to its current name.
DS-15 ? us     A single dataset may be merged.
AU-1  R client Authenticate returns an access token.
AU-2  R client Later calls carry it as bearer authorization.
AU-3  R client Authenticating twice is harmless.
AU-4  ? us     With auth=keys, an invalid key, or a call without a valid token, is UNAUTHENTICATED.
AU-5  ? us     AuthenticateTo returns an access token of the caller; the machine it is for makes no difference.
AP-1  D api    AppService gives organizations, locations, robots and parts by lists and by ids, as far as the API key may see them.
AP-2  R client robot_count of a location is the number of its robots, and each robot has just one main part.
AP-3  ? us     The main part is the one named after its robot with -main, else the first.
AP-4  ? us     An id that names nothing, or nothing that the key may see, is NOT_FOUND.
AP-5  ? us     A missing id, a negative limit, an address without @, or metadata that JSON cannot hold is an error.
AP-6  ? us     No machine stands behind a fleet here: each is online, was seen just now, exists since 2024, has an empty configuration, no secrets, and a host under .invalid.
AP-7  D sdk    Metadata is a JSON object beside an organization, location, robot or part; an update replaces it.
AP-8  ? us     Every email address is a user's, whose organizations are those that the caller may see.
AP-9  ? us     ListMachineSummaries gives robots by location; limit counts robots, and 0 is none; fragment_ids select nothing, for no robot here has fragments.
AP-10 ? us     An operator reads the fleet and its metadata; changing metadata is the owner's.
SG-1  D api    CreateBinaryDataSignedURL answers a public URL that ends after 15 minutes or as asked, at most 10080, and says when.
SG-2  ? us     No minutes at all, or more than 10080, is an error.
SG-3  ? us     A signed URL for a file that does not exist is NOT_FOUND.
DL-1  R client A file can be had by GET of its uri: with a bearer token, or with an API key in the headers key_id and key.
DL-2  ? us     Ranges, HEAD, If-None-Match, If-Modified-Since and If-Range are answered as RFC 9110 says; several ranges get the whole file.
DL-3  ? us     Without a right to it a file is 401 or 403, an unknown one 404, a range beyond it 416; a signed URL that has expired, or whose file was deleted, is 410.
DL-4  ? us     A download has the file's MIME type, and its name as RFC 6266 says.
A1    ? us     Without a sort order the newest come first (policy default_order).
A2    ? us     A record exactly at the end of an interval is included (policy interval_bounds).
A3    ? us     An interval applies to the time requested (policy interval_clock).
A4    R client In a page with data, count and size are those of the page (policy count).
A5    D sdk    count_only returns no data, no last, the total count and the total size.
A6    R public Pages have no ceiling but what is asked (policy max_page): published programs ask for 500 and 1000 at once. A comment in pull request 396 of viam-sdk speaks of 100.
A8    D seed   Removed tags are counted, summed over records (policy remove_tags_count).
A10   D seed   The label of a dataset appears among the tags and can be matched by name; it is derived, never stored.
A11   ? us     A tag that looks like the label of a dataset is an ordinary tag.
A12   ? us     Empty ids and tags are INVALID_ARGUMENT.
A13   R client Unknown ids are skipped, and counts show it; if none matches, a trailer names one (policy unknown_ids).
A14   ? us     Both forms of id in one request are merged: each record once, in the order of first mention.
A15   ? us     All three parts of a BinaryID must match; an empty organization or location matches any.
A16   D seed   A delete filter without organization deletes all matching data (policy empty_delete_filter).
A17   ? us     MATCH_BY_OR without tags constrains nothing.
A18   ? us     Readings have no boxes and no datasets, so a filter on those selects none; MIME types are compared.
A22   O public An invalid part is UNKNOWN, "no robot part found" (policy invalid_part).
A23   ? us     Several binary contents in one upload are several records; the first id is returned.
A24   ? us     Other extensions follow a fixed table, ignoring case; unknown ones are application/octet-stream.
A26   R public A stored extension has a leading dot, since programs append it to names; an empty one stays empty.
A27   ? us     An upload into an unknown dataset is NOT_FOUND and stores nothing (policy unknown_dataset).
A28   ? us     Uploads may lack times: missing ones, and Go's zero time (0001-01-01), are replaced by the fake's clock.
A29   ? us     A type that is unspecified or contradicts the contents is an error, and nothing is stored.
A30   ? us     Metadata must come first and once; an aborted stream stores nothing.
A31   ? us     method_parameters are returned as uploaded.
A32   D seed   time_received is the uploaded value; the moment of storing is a third time.
A39   ? us     A name that is taken is ALREADY_EXISTS (policy duplicate_dataset_name).
A40   ? us     An unknown dataset is NOT_FOUND (policy unknown_dataset for membership).
A41   ? us     Datasets by ids are returned in request order, once each.
A42   ? us     A merge combines the members and leaves its sources unchanged; mixed types are an error.
A43   R client A dataset type of 0 that is present asks for binary datasets only.
A46   ? us     A known organization always has a database host here.
A47   ? us     TagsByFilter covers binary and tabular data and sorts (policy tags_by_filter_scope).
A48   ? us     A delete or create without an organization is an error.
A51   ? us     A key sees its own organizations: naming another is PERMISSION_DENIED, lists omit others.
A52   R client uri leads to the bytes of the file over HTTP, on this server, under the address that the client used.
A53   O public A reply with more bytes than max_response_bytes is refused (policy max_response_bytes).
A54   D web    Deleted data is removed from its datasets; the datasets stay.
A55   ? us     An upload is visible immediately (policy visibility_lag).
A56   ? us     last keeps its meaning under another filter or order; one that this server did not issue is an error (policy page_token). Clients send back what they got.
A57   ? us     Pages with bytes have no ceiling of number either (policy binary_page); a public program found that one record comes at a time.
A60   ? us     A request message with more bytes than max_request_bytes is RESOURCE_EXHAUSTED, before it is read (policy max_request_bytes); an upload as a whole has no ceiling.
A34   ? us     A present but empty additional_parameters matches only readings captured without parameters (policy empty_parameters).
MQ-1  D api    TabularDataByMQL runs the stages in mql_binary, a BSON document each, over sensorData.readings of the organization.
MQ-2  D web    A document has the ids, component, method, times, tags, additional_parameters, data and capture_day of a reading, and no names of robot and part.
MQ-3  D web    Only the stages of the service's list are accepted; any other is an error.
MQ-4  ? us     A pipeline that MongoDB refuses is INVALID_ARGUMENT, with MongoDB's name of the error and its text.
MQ-5  D sdk    The answer is one BSON document for each result, and none for no result.
MQ-6  ? us     Without a $sort, documents come in the order of time_requested.
MQ-7  ? us     The hot store holds all that the standard store holds.
MQ-8  ? us     A pipeline sink without a pipeline id is an error, and so is an unknown pipeline.
MQ-9  ? us     A name of a saved query that does not exist is an error.
MQ-10 ? us     Bytes that are not a BSON document are an error.
MQ-11 ? us     Extended JSON such as {"$date": …} inside BSON stands for its value (policy extended_json_in_bson).
GL-1  D sdk    GetLatestTabularData gives the reading of a resource that was captured last, with the times of capture and sync.
GL-2  D sdk    It looks at what was synced within the last year.
GL-3  R client Nothing found is OK, and empty.
GL-4  ? us     Part, resource name, resource subtype and method must all be given.
QG-1  O public A query that matches too much is refused with "result set is too large", before its limit counts (fault result_too_large).
QG-2  O public A query that takes too long is DEADLINE_EXCEEDED, "query timed out" (fault query_timeout).
QG-3  ? us     The status of a result that is too large is RESOURCE_EXHAUSTED.
SV-1  D fake   An RPC of Viam's cloud without a handler is UNIMPLEMENTED, names itself and how to script its reply.
SV-6  D fake   What no API of Viam's cloud has is UNIMPLEMENTED as unknown, with the nearest name; so is what only machines serve.
GS-1  O public Server reflection, v1 and v1alpha, describes every API of Viam's cloud, served here or not; it needs no login and stands in no journal.
GS-2  D fake   The health of the server and of each service is SERVING as long as it listens; it needs no login and stands in no journal.
SV-2  D fake   A request message above max_message_bytes is RESOURCE_EXHAUSTED, before it is read.
SV-3  D fake   Bytes that are not a message of the expected type are INVALID_ARGUMENT.
SV-4  D fake   An unexpected error is INTERNAL, is recorded, and fails the test.
SV-5  D fake   A reply with weaker evidence than min_evidence is FAILED_PRECONDITION and names the clause.
SV-14 D fake   A call of one message is done when the client has ended it; a second message, or the beginning of one, is INVALID_ARGUMENT and nothing is done.
SV-7  D fake   Metadata that gRPC cannot carry, of bytes beyond printable ASCII or bad base64, is INVALID_ARGUMENT for its call alone; too much of it is RESOURCE_EXHAUSTED.
SV-8  D fake   A call whose grpc-timeout has passed is DEADLINE_EXCEEDED; a grpc-timeout that is none is INVALID_ARGUMENT.
SV-9  D fake   A request that RFC 9113 calls malformed resets its stream with PROTOCOL_ERROR, and no other; the journal says why.
SV-10 D fake   application/grpc and application/grpc+proto are served, with parameters too; other types are 415, other methods 405, and te: trailers is needed.
SV-11 D fake   A connection that floods, or breaks HTTP/2, ends with a GOAWAY that says why; its neighbours are served all the while.
SV-12 D fake   A call beyond the number at a time, before SETTINGS or after GOAWAY is REFUSED_STREAM: it was not looked at, and may be sent again.
SV-13 D fake   A connection that does not complete its beginning or a block of headers in time, or is silent and answers no PING, is closed.
SV-15 D fake   Requests compressed with gzip or deflate are served, within the ceilings of what they unpack to; other compressions are UNIMPLEMENTED, and grpc-accept-encoding is always sent.
JR-1  D fake   The journal records every call: time, RPC, peer, metadata, messages, status, bytes, duration, deadline, clauses.
JR-2  D fake   The journal has a size limit: large messages are truncated, and the oldest calls are dropped first and counted.
JR-3  D fake   Calls are selected by RPC, status and request fields; a name that no request has is an error.
JR-4  D fake   Secrets never leave the journal: authorization, API keys, access tokens, passwords.
JR-5  D fake   A call that repeats the request of a failed call is another attempt at it, with its wait and deadline.
JR-6  D fake   Every message can be shown: wrappers by value, an unknown Any by type URL and base64, NaN by name.
JR-7  D fake   Criteria that no call can meet are an error that suggests what was probably meant: an impossible status, value or name.
JR-8  D fake   A secret of a request can be compared, in `where`, faults and scripted replies, and is never shown.
FT-1  D fake   The first planned fault that is due hits a call; every matching fault counts it.
FT-2  D fake   A fault before commit leaves everything unchanged; after commit everything is done, and the client cannot tell.
FT-3  D fake   A planned fault that never fires fails the test, and reports how many calls matched.
FT-4  D fake   A fault can occur at a message or byte of the request, or at a byte of the reply.
FT-5  D fake   Delays and stalls follow the fake's clock or real time; by the clock, an earlier deadline ends the call.
FT-6  D fake   RST_STREAM, GOAWAY, TCP resets and replies beyond a client's message limit look as they do on a real network.
FT-7  D fake   An upload can be hidden for a while by the fake's clock.
FT-8  D fake   A given number of connections in a row can be refused.
FT-9  D fake   A call can carry its own fault in the metadata fakeviam-fault; an invalid one is INVALID_ARGUMENT.
RP-1  D fake   Scripted replies answer instead of the fake, are marked in the journal, and are counted separately.
CK-1  D fake   All times come from the fake's clock, which runs, is frozen, or is moved by hand.
CK-2  D fake   An autojump clock jumps when everything in the fake waits for it.
CK-3  D fake   The same seed, clock and calls give the same replies, byte for byte.
CK-4  D fake   Ids look like those of the real service, or count readably where no client checks the format.
SS-1  D fake   A session is an isolated fork of the fake, selected by metadata or by its API key.
SS-2  D fake   A call that names a session which is not open is FAILED_PRECONDITION.
SS-3  D fake   The tokens and API keys of a closed session are refused with FAILED_PRECONDITION and give access to nothing else.
SS-4  D fake   A login with a session's API key is a call of that session: its journal, faults and replies.
AC-1  D web    An owner does everything with its organizations' data; an operator views and exports data, and sees no list of tags, edits nothing and has no datasets.
AC-2  ? us     What the table of roles does not name: an operator reads labels of boxes and the database's address; uploads, boxes, database users and all else are the owner's.
AC-3  D web    A call beyond the role of its API key is PERMISSION_DENIED, whatever it requests.
AC-4  D fake   API keys expire by the fake's clock and are revoked immediately; their tokens end with them.
AC-5  D fake   Apart from ids of new things and from datasets of its organization, nothing that a key gets to see depends on data it may not see: no reply, count, text, trailer or token.
AC-6  D fake   Keys and tokens are compared by digest, in constant time; tokens are signed, not stored.
AC-7  D fake   Access tokens and page tokens stay valid when a fake restarts with the same data directory, database or seed.
AC-8  D web    A key is one of an organization, a location or a machine: it sees and changes the data there, and the datasets of its organization, which only owners of the organization rename and delete.
AC-9  ? us     What the table of roles does not name: merging datasets, the database and metadata of an organization need a key of the organization.
AC-10 D web    Owners at any level create datasets; another page wants an owner of the organization (policy dataset_creation).
RE-1  D web    Data of a part with a retention policy is deleted once its UTC day is as many days ago as the policy says (data_retention_policy.days).
RE-2  ? us     Its day is that of the time requested; it is gone at the first call after midnight by the fake's clock.
ST-1  D fake   A strict fake refuses requests with unknown fields or fields that no handler reads: FAILED_PRECONDITION, naming them.
ST-2  D fake   A strict fake refuses RPCs and fields that Viam's protos mark as deprecated.
ST-3  D fake   Everything that a strict fake does not support, including RPCs that are not implemented, fails the test's check, call by call.
ST-4  D fake   Unknown, unread and deprecated fields of a request are listed in the journal, strict or not.
WY-1  D fake   explain gives the reason why the reply to a call includes each record or not: the field, its criterion, and the record's value.
WY-2  D fake   explain evaluates the current state, and points out where the actual reply differed.
SN-1  D fake   Restoring a snapshot brings back exactly that state, whatever was done since, any number of times.
SN-2  D fake   After a restore the same calls give the same ids; tokens and keys are never reused.
SN-3  D fake   A reset reports what it deleted, and takes constant time.
AR-1  D fake   Archives of equal states are byte-for-byte equal, and loading one restores that state.
AR-2  D fake   An archive that is incomplete, damaged or of a later version is refused, and nothing changes.
AR-3  D fake   An archive is written completely or not at all, and never overwrites anything but an archive.
AR-4  D fake   After loading an archive, no id that it may contain is issued again.
DD-1  D fake   With a data directory, acknowledged writes survive the end of the process, however it ends.
DD-2  D fake   A data directory belongs to one server at a time.
DD-3  D fake   From a data directory only what was never acknowledged is dropped, with a warning; any other damage is refused.
DD-4  D fake   A write that a data directory cannot persist is RESOURCE_EXHAUSTED or UNAVAILABLE, and changes nothing.
DD-5  D fake   If a partial write cannot be undone, every later write is UNAVAILABLE until a restart.
DD-6  D fake   With durability=power, acknowledged writes survive power loss too.
DD-7  D fake   Only its owner can read a data directory.
DD-8  D fake   Repairing a data directory keeps what is intact, reports what is lost, and deletes nothing of it.
MG-1  D fake   Servers on one database share the same data: nothing written through them is lost or duplicated, and each change is counted once.
MG-2  D fake   Servers on one database never issue the same id, and accept each other's page tokens.
MG-3  D fake   Servers on one database share one fleet; what one adds or renames, all others see from the next call on.
MG-4  D fake   Servers on one database share API keys and access tokens; a key revoked on one is revoked on all.
MG-5  D fake   In a database no record is ever without its bytes; a server that is killed leaves at worst bytes without a record.
MG-6  D fake   A database of another format is refused and left unchanged; other collections are left alone.
HT-1  D fake   HTTP/1.1 and gRPC share the TCP port and the Unix socket; the first bytes of a connection decide.
HT-2  D fake   The control API accepts clients on this machine only, or, with a control token, any client that sends it.
HT-3  D fake   Without a control token, the control API refuses cross-site requests, by Origin and by Host.
HT-4  D fake   A refused control request changes nothing; the error names the problem, the field and the value.
HT-5  D fake   A control request is atomic, and applies to the session that its header names.
HT-6  D fake   With auth=keys, the control API shows the secrets of API keys only to holders of the control token and on creation.
HT-7  D fake   Calls of gRPC-Web, binary and text, over HTTP/1.1 are calls like those of gRPC: login, sessions, faults, deadlines and journal are the same.
HT-8  D fake   Pages of this machine may make calls and load files; pages of other origins may not, and the control API is for none of them.
SE-1  D fake   A seed is loaded completely or not at all; errors name file, line and field.
SE-2  D fake   What a seed names and the fake already has is reused, and never changed.
SE-3  D fake   Files and readings of a seed obey the rules of uploads; without a time they get the clock's.
SE-4  D fake   Ids that a seed or an import gives to organizations, locations, robots, parts and datasets are kept; files get new ones.
SE-5  D fake   An exported folder or COCO file loads with the same contents, as far as the format allows.
SE-6  D fake   An export appears once it is complete, and never overwrites anything.
SE-7  D fake   Images that a file names are located by whole components of their paths, also after a move; two candidates are an error.
SE-8  D fake   Whatever the data cloud cannot represent is counted and named in the receipt.
SE-9  D fake   An option that does not apply to a file is refused by name.
PT-1  D fake   A test's cloud is configured by ini file, fakeviam_options, command line and markers; the closest marker wins, argument by argument.
PT-2  D fake   An error in these settings fails the test at setup, and names the argument and its source.
PT-3  D fake   A test's ids are derived from its name: the same in every run, order and worker; a failing test shows how to reproduce them.
PT-4  D fake   Problems that the fake finds fail the test at teardown; if the test has already failed, its report shows them instead.
PT-5  D fake   A failing test shows its calls; a run reports the number of calls and the assumptions that replies depended on.
PT-6  D fake   A pytest run that uses no cloud does not import the fake.
PT-7  D fake   A client fixture connects to the cloud of its test; one whose library is missing fails the test.
PT-8  D fake   Anything that cannot be displayed in a report is replaced by a one-line note, and the run continues.
"""


def _read(line: str) -> Clause:
    name, level, source, text = line.split(maxsplit=3)
    return Clause(name, _LEVELS[level], source, text)


CATALOGUE = MappingProxyType(
    {clause.id: clause for clause in map(_read, _TABLE.strip().splitlines())}
)
