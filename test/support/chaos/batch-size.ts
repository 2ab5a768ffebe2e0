/** Tasks of the type `short` that a batch holds. */
export const BATCH_SIZE = 8;
