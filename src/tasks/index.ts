/** What people do with a model: classify, probe, embed, reconstruct. */
export { type ClassificationScore, classificationObjective, classify, evaluateClassifier, type FinetuneResult, features, finetune } from './classification.js';
export { type BlockAttention, composeAttention, type InputAttention, inputAttention } from './attention.js';
export { type EncoderScore, type EvaluateEncoderOptions, evaluateEncoder } from './evaluateEncoder.js';
export { describeVariant, type InspectedModel, inspectModel, type ModelReport, type StageReport } from './inspect.js';
export { type LoadedModel, loadModel, Runner } from './loadModel.js';
export { confusionMatrix, knnClassify, retrievalMetrics, segmentationMetrics, taggingMetrics, topKAccuracy, topKIndices } from './metrics/index.js';
export { openImagesOf, type OpenImagesOfOptions } from './openImagesOf.js';
export { embedDataset, type FeatureSet, knnAccuracy, linearProbe, type ProbeOptions, pixelFeatures } from './probe.js';
export { saveFeatures } from './saveFeatures.js';
export { type Reconstruction, reconstruct } from './reconstruction.js';
