/** The part of OTLP that the tests need, by its public field numbers, read and written by protobufjs: a second opinion. */
import { parse, type Type } from 'protobufjs';

const source = `
syntax = "proto3";
package otlp;
message AnyValue { oneof value {
  string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
  ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped = 4; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
  uint32 dropped = 5; fixed32 flags = 6; }
message Status { string message = 2; int32 code = 3; }
message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10; repeated Event events = 11; uint32 dropped_events_count = 12;
  repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15; fixed32 flags = 16; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message TraceRequest { repeated ResourceSpans resource_spans = 1; }
message LogRecord { fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9;
  bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message PartialSuccess { int64 rejected = 1; string error_message = 2; }
message Answer { PartialSuccess partial_success = 1; }
`;
const { root } = parse(source);

export const TraceRequest: Type = root.lookupType('otlp.TraceRequest');
export const LogsRequest: Type = root.lookupType('otlp.LogsRequest');
export const Answer: Type = root.lookupType('otlp.Answer');

interface DecodedTraces {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly {
      readonly spans?: readonly { readonly spanId: string; readonly name: string }[];
    }[];
  }[];
}

/** The spans of a request as protobufjs reads them. Throws when it cannot. */
export function decodeSpans(bytes: Uint8Array): { readonly spanId: string; readonly name: string }[] {
  // toObject gives plain data in the shape of the schema above.
  const request = TraceRequest.toObject(TraceRequest.decode(bytes), { bytes: String }) as DecodedTraces;
  return (request.resourceSpans ?? [])
    .flatMap(({ scopeSpans }) => scopeSpans ?? [])
    .flatMap(({ spans }) => spans ?? [])
    .map(({ spanId, name }) => ({ spanId: Buffer.from(spanId, 'base64').toString('hex'), name }));
}
