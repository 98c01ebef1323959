export { MetricsLog, type MetricsRecord, readMetrics } from './metrics.js';
export { Progress, type ProgressOptions, type ProgressStream, type ProgressUpdate } from './progress.js';
export { formatDuration, formatProgress, type ProgressState } from './progressLine.js';
export { TensorBoardWriter } from './tensorboard.js';
