/**
 * What the user may do, as the page says. The API decides; this is for controls.
 *
 * @module
 */

/** @typedef {Set<string>} Rights Codenames of permissions. */

/** @returns {Rights} */
export const rightsOf = () =>
  new Set((document.body.dataset.rights ?? "").split(" ").filter(Boolean));
