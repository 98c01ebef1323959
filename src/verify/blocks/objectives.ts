/** Losses with their gradients, and the Gumbel-softmax. */
import { gradients, type Tensor } from '../../graph/index.js';
import {
  binaryCrossEntropyWithLogits,
  cosineLogits,
  crossEntropy,
  gumbelSoftmax,
  infoNce,
  infoNceOneWay,
  milNce,
  milNceLogits,
  ntXent,
  smoothL1,
  softCrossEntropy,
} from '../../objectives/index.js';
import { backward, CaseInputs } from '../runGraph.js';
import { type BlockKind, compareOutputs, numberIn, outputsLike } from './blockKind.js';

const losses: BlockKind = {
  recognises: /^(cross_entropy|cross_entropy_smoothed|bce_logits|soft_cross_entropy|smooth_l1_vs_2multi_hot)$/,
  run: async (golden, comparison, engine) => {
    const { label_smoothing: labelSmoothing, smooth_l1_beta: beta } = golden.config;
    const inputs = new CaseInputs(golden);
    const logits = inputs.of('logits');
    const labels = inputs.maybe('labels', 'i32');
    const multiHot = inputs.maybe('multi_hot');
    const softTargets = inputs.maybe('soft_targets');
    const byName: Record<string, Tensor> = {
      ...(labels && {
        cross_entropy: crossEntropy(logits, labels),
        cross_entropy_smoothed: crossEntropy(logits, labels, { labelSmoothing }),
      }),
      ...(multiHot && {
        bce_logits: binaryCrossEntropyWithLogits(logits, multiHot),
        smooth_l1_vs_2multi_hot: smoothL1(logits, multiHot.mul(2), beta),
      }),
      ...(softTargets && { soft_cross_entropy: softCrossEntropy(logits, softTargets) }),
    };
    const grads = Object.entries(byName).map(([name, loss]) => [
      `grad_${name.replace('_vs_2multi_hot', '')}`,
      gradients(loss, [logits])[0],
    ]);
    await compareOutputs(comparison, engine, inputs, { ...byName, ...Object.fromEntries(grads) });
  },
};

const contrastive: BlockKind = {
  recognises: /^(loss_symmetric|loss_z1_to_z2|nt_xent)$/,
  run: async (golden, comparison, engine) => {
    const { temperature } = golden.config;
    const inputs = new CaseInputs(golden);
    const [z1, z2] = [inputs.of('z1'), inputs.of('z2')];
    const symmetric = infoNce(z1, z2, temperature);
    const [forZ1, forZ2] = gradients(symmetric, [z1, z2]);
    await compareOutputs(comparison, engine, inputs, {
      logits: cosineLogits(z1, z2, temperature),
      loss_symmetric: symmetric,
      loss_z1_to_z2: infoNceOneWay(z1, z2, temperature),
      nt_xent: ntXent(z1, z2, temperature),
      grad_z1: forZ1,
      grad_z2: forZ2,
    });
  },
};

const multipleInstance: BlockKind = {
  recognises: /^loss_(vatt_form|positives_once)$/,
  run: async (golden, comparison, engine) => {
    const { temperature } = golden.config;
    const inputs = new CaseInputs(golden);
    const [video, text] = [inputs.of('video'), inputs.of('text')];
    const vatt = milNce(video, text, { temperature, positives: 'twice' });
    const [forVideo, forText] = gradients(vatt, [video, text]);
    await compareOutputs(comparison, engine, inputs, {
      sim: milNceLogits(video, text, temperature),
      loss_vatt_form: vatt,
      loss_positives_once: milNce(video, text, { temperature }),
      grad_video: forVideo,
      grad_text: forText,
    });
  },
};

/** soft_tau0_3 and hard_tau0_3 have the temperature 0.3. */
const gumbel: BlockKind = {
  recognises: /^(soft|hard)_tau(.+)$/,
  run: async (golden, comparison, engine) => {
    const inputs = new CaseInputs(golden);
    const [logits, noise, upstream] = [inputs.of('logits'), inputs.of('gumbel'), inputs.of('grad_out')];
    const outputs: Record<string, Tensor> = {};
    for (const [name, form, tau] of outputsLike(golden, gumbel.recognises)) {
      outputs[name] = gumbelSoftmax(logits, noise, { temperature: numberIn(tau), hard: form === 'hard' });
      [outputs[`grad_${name}`]] = backward(outputs[name], upstream, [logits]);
    }
    await compareOutputs(comparison, engine, inputs, outputs);
  },
};

/** The kinds of this file. */
export const objectiveKinds: readonly BlockKind[] = [losses, contrastive, multipleInstance, gumbel];
