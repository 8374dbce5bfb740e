/** @mabeam/bus: the one room that speaks NATS. The public names. */
export { MabeamError, errorBodyOf, errorFromBody, errorsOf } from './error.ts';
export type { ErrorBody, ErrorContext, ErrorKind, ErrorTable } from './error.ts';
export { busErrors } from './errors.ts';
export {
  canonicalBytes,
  canonicalText,
  createIdentity,
  createSeed,
  digestOf,
  isPublicKey,
  isSignedBy,
  openIdentity,
} from './identity.ts';
export type { Identity } from './identity.ts';
export { isId, isToken, parseId, parseToken, reservedIds } from './ids.ts';
export { isConversation, newConversation } from './journey.ts';
export type { Journey } from './journey.ts';
export { parseSubject, platformSpace, subjects } from './subjects.ts';
export type { ParsedSubject, Subjects } from './subjects.ts';
export { decodeBody, encodeBody, jsonBytes, packBytes, parseJson, unpackBytes } from './codec.ts';
export type { ContentType } from './codec.ts';
export { Bus, connectBus, defaultServerUrl } from './bus.ts';
export { isStream } from './serve-stream.ts';
export { publicUrl } from './server-url.ts';
export type { BusOptions, PublishOptions, Subscription } from './bus.ts';
export type { BusMessage, HeaderMap } from './message.ts';
export type { RequestOptions } from './request.ts';
export { Service } from './serve.ts';
export type { Handler, ServeOptions, ServiceStats } from './serve.ts';
export type { ServedRequest } from './open-question.ts';
export type { StreamRequestOptions } from './request-stream.ts';
export type { StoreAck, StoreOptions } from './store.ts';
export { attributes } from './semconv.ts';
export { contextFrom, formatTraceparent, inSpan, recordedTrace } from './tracing.ts';
export type { SpanOptions } from './tracing.ts';
export {
  bucketStream,
  countBySubject,
  deleteStreams,
  ensureStreams,
  hasStream,
  lastSequence,
  listSpaces,
  nodesBucket,
  platformStreams,
  spaceStreams,
  streamIdentity,
  telemetryStream,
} from './streams.ts';
export type { StreamDefinition } from './streams.ts';
export { spaceNames, type SpaceNames } from './space-names.ts';
export { pause, unlessAborted } from './pause.ts';
export { readLastMessage, readStream, readStreamOnce } from './read-stream.ts';
export type { ReadOptions, StoredMessage } from './read-stream.ts';
export { readBacklog } from './backlog.ts';
export type { Backlog } from './backlog.ts';
export { consumeBatches, consumeStream } from './consume.ts';
export type { ConsumeOptions, Delivery } from './consume.ts';
export { commitBatch, deleteKey, entryOf, keySubject, putKey, readKey, readKeyHistory } from './bucket.ts';
export type { BatchAck, BatchWrite, BucketEntry } from './bucket.ts';
export { storeBatch } from './batch.ts';
export type { BatchMessage } from './batch.ts';
export { openReplica, Replica } from './replica.ts';
export type { ReplicaChange, ReplicaListener, ReplicaOptions } from './replica.ts';
export { acquireLease, Lease } from './lease.ts';
export type { LeaseOptions, LeaseResult } from './lease.ts';
export { openEvents } from './events.ts';
export type { EventOptions, EventReadOptions, Events } from './events.ts';
export { openTasks, Worker } from './tasks.ts';
export type { OutcomeReadOptions, SubmitOptions, Task, TaskHandler, Tasks, WorkOptions } from './tasks.ts';
export type { OutcomeBase, TaskOutcome, TaskResult } from './outcome.ts';
export { openDiscovery } from './discovery.ts';
export type { DiscoveredEndpoint, Discovery, Served, ServiceDescription } from './discovery.ts';
export { discover } from './discovery-search.ts';
export type { DiscoveredService, DiscoverOptions } from './discovery-search.ts';
export { openBucket, schemaCodec } from './typed-bucket.ts';
export type {
  Codec,
  SchemaLike,
  SchemaResult,
  TypedBucket,
  TypedChange,
  TypedEntry,
  WatchOptions,
} from './typed-bucket.ts';
