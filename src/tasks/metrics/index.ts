/** Metrics on plain typed arrays: no graph, no engine. All shares are fractions, 0 to 1. */
export { rankOf, topKAccuracy, topKIndices } from './accuracy.js';
export { type ConfusionOptions, confusionMatrix } from './confusion.js';
export { type KnnOptions, type KnnResult, knnClassify, type Neighbours, nearestNeighbours } from './knn.js';
export type { Labels } from './labels.js';
export { normalQuantile } from './normalQuantile.js';
export { medianRank, type RetrievalMetrics, recallAtK, retrievalMetrics, retrievalRanks } from './retrieval.js';
export { type SegmentationMetrics, segmentationMetrics } from './segmentation.js';
export { averagePrecision, dPrime, rocAuc, type TaggingMetrics, taggingMetrics } from './tagging.js';
