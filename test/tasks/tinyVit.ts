/** A small vision transformer as Hugging Face keeps it, made up here. */
import type { StoredTensor } from '../../src/checkpoint/index.js';
import { sizeOf } from '../../src/graph/index.js';
import { systemByName, toLayout } from '../../src/models/index.js';
import { hfVitLayout, vitOfHf } from '../../src/models/published/vit.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { parametersOfForm } from '../../src/tasks/forms.js';

/** Tensors under their names, and config.json. */
export interface PublishedSource {
  tensors: Map<string, StoredTensor>;
  config: Record<string, unknown>;
}

/** Two blocks of width 12 on images of 16x16 in patches of 4x4, with a head for two classes. */
export function tinyVit(): PublishedSource {
  const sizes = {
    hidden_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    intermediate_size: 24,
    image_size: 16,
    patch_size: 4,
  };
  const config = { ...vitOfHf(sizes) } as unknown as Record<string, unknown>;
  const modalities = [{ name: 'image', indexShape: [16, 16], channels: 3 }];
  const specs = parametersOfForm({ system: systemByName('vit'), config, modalities, form: 'classes', classes: 2 });
  const values = new Map(
    [...specs.values()].map(({ name, shape }) => [name, normal(fold(keyFrom(1), name), sizeOf(shape))]),
  );
  const tensors = toLayout(hfVitLayout.layout(config, 'classes'), specs.values(), values);
  return {
    tensors: new Map([...tensors].map(([name, { shape, data }]) => [name, { dtype: 'F32', shape: [...shape], data }])),
    config: {
      model_type: 'vit',
      architectures: ['ViTForImageClassification'],
      ...sizes,
      id2label: { 0: 'cat', 1: 'dog' },
    },
  };
}
