/** The parameters that a model has in one of the forms in which others publish it. */
import { ensure } from '../errors/index.js';
import type { Form, Modality, System } from '../models/index.js';
import { type ParameterSpec, Scope } from '../nn/index.js';
import { modelInputs } from '../training/description.js';

/** A model in one of its forms. */
export interface FormedModel {
  system: System;
  config: Record<string, unknown>;
  modalities: Modality[];
  form: Form;
  /** How many there are, where the form has a head. */
  classes?: number;
}

/** All parameters of the model, by name. */
export function parametersOfForm({
  system,
  config,
  modalities,
  form,
  classes = 0,
}: FormedModel): Map<string, ParameterSpec> {
  const scope = Scope.root();
  const inputs = modelInputs({ modalities }, 1);
  if (form === 'classes' || form === 'segmentation') {
    const head = form === 'classes' ? system.classify : system.segment;
    ensure(head, () => `${system.name} has no head of its own for ${form}.`);
    head(scope, config, modalities, inputs, classes);
  } else system.apply(scope, config, modalities, inputs, { encoderOnly: form === 'encoder' });
  return new Map(scope.needs.parameters);
}

/** Names of what is no head and no decoder: without these a checkpoint is of no use. */
export function encoderNames(model: FormedModel): Set<string> {
  return new Set(parametersOfForm({ ...model, form: 'encoder' }).keys());
}
