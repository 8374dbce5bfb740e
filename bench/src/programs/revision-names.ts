/** What both ends of the revision benchmarks agree on. */

export const revisionSubject = 'bench.revision';
/** What is stored by hand, and where the server repeats it. */
export const storedSubject = 'bench.stored';
export const repeatedSubject = 'bench.repeated';
export const revisionBucket = 'bench-revision';
/** The bucket's key, and the variable's id. */
export const revisionKey = 'threshold';
