/** The `mabeam` command. Ends when what it was asked for is done, with the exit codes that every help text names. */
import { enableCompileCache } from 'node:module';
import { compileCacheFolder } from './compile-cache.ts';

// Before anything large is loaded; where the folder cannot be written Node goes on without it.
enableCompileCache(compileCacheFolder());
const { runProcess } = await import('./program.ts');
const failure = await runProcess(process.argv.slice(2));
if (failure !== undefined) process.exitCode = failure;
// A server that takes a connection and then says nothing leaves a socket behind that nobody can close: it must keep nobody waiting.
process.stdout.write('', () => setTimeout(() => process.exit(), 250).unref());
