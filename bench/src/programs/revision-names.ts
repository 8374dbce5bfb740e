/** What both ends of the revision benchmarks agree on. */

export const revisionSubject = 'bench.revision';
export const revisionBucket = 'bench-revision';
/** The bucket's key, and the variable's id. */
export const revisionKey = 'threshold';
