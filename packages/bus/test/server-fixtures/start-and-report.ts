/** A child process for the tests: starts a server on the store given (or a temporary one), prints it as JSON, and lives on. */
import { startServer } from '@mabeam/bus/server';

const [, , storeDir] = process.argv;
const { url, pid, storeDir: folder } = await startServer({ storeDir });
process.stdout.write(`${JSON.stringify({ url, pid, storeDir: folder })}\n`);
