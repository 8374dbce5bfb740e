/**
 * Properties are tried with one seed, so that a run says the same thing twice; `MABEAM_SEED_PROPERTIES` sets another, and the
 * long runs draw a new one each time (it is printed with a failure).
 */
import { configureGlobal } from 'fast-check';

const isLong = process.env['MABEAM_LONG'] === '1';
const seed = Number(process.env['MABEAM_SEED_PROPERTIES'] ?? (isLong ? Date.now() % 2 ** 31 : 20_261_124));

configureGlobal({ seed });
