/**
 * One real nats-server for all integration tests of a run: on a free port, with a temporary store, found or fetched first.
 * It ends with the run, also with an interrupted one. Tests get its URL by `inject('natsUrl')` and each use a space of their own.
 */
import { startTestServer } from '@mabeam/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    natsUrl: string;
  }
}

/** Starts the server; what it returns stops it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestServer({ onProgress: (text) => console.error(text) });
  project.provide('natsUrl', server.url);
  return () => server.stop();
}
