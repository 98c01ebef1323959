export { HiperceiverError } from './errors/index.js';
export { loadRecipe, recipeNames } from './training/loadRecipe.js';
export { defaultRecipe, defineRecipe, type PartialRecipe, type Recipe, type RecipeFile } from './training/recipe.js';
export { resolveRecipe } from './training/resolveRecipe.js';
