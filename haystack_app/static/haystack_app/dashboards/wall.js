/**
 * Full screen for a wall: nothing but the tiles, which go on by themselves.
 *
 * @module
 */

/** Milliseconds without a pointer after which it is hidden. */
const IDLE = 3000;
/** The height of a row in pixels, and how much of it must remain to fit the screen. */
const ROW = 70.4;
const LEAST = 0.6;
const HIGHEST = 160;

export class Wall {
  #timer = 0;
  /** @type {WakeLockSentinel | null} */
  #lock = null;

  /** @param {(isWall: boolean) => void} onChange The user has left or entered it. */
  constructor(onChange) {
    this.onChange = onChange;
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement && this.isOn) onChange(false);
    });
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.isOn) onChange(false);
    });
    addEventListener("resize", () => this.fit());
    document.addEventListener("pointermove", () => this.#showPointer());
    document.addEventListener("visibilitychange", () => this.#keepAwake());
  }

  /** Make rows as high as the screen allows, so that all tiles are seen at once. */
  fit() {
    const { style } = document.body;
    style.removeProperty("--row");
    if (!this.isOn) return;
    const grids = [...document.querySelectorAll(".tiles")];
    const height = grids.reduce((sum, { clientHeight }) => sum + clientHeight, 0);
    const rest = document.body.scrollHeight - height;
    const factor = (innerHeight - rest) / height;
    const row = Math.floor(ROW * factor);
    if (factor > LEAST && row < HIGHEST) style.setProperty("--row", `${row}px`);
  }

  /** @returns {boolean} */
  get isOn() {
    return document.body.classList.contains("wall");
  }

  /** @param {boolean} isOn Without a click browsers refuse the whole screen. */
  show(isOn) {
    if (isOn === this.isOn) return;
    document.body.classList.toggle("wall", isOn);
    const root = document.documentElement;
    if (isOn) root.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
    this.#showPointer();
    this.#keepAwake();
    this.fit();
  }

  #showPointer() {
    clearTimeout(this.#timer);
    document.body.classList.remove("idle");
    if (!this.isOn) return;
    const hide = () => document.body.classList.add("idle");
    this.#timer = window.setTimeout(hide, IDLE);
  }

  /** Screens that show a wall must not go dark. */
  async #keepAwake() {
    if (this.isOn && !document.hidden) {
      const lock = await navigator.wakeLock?.request("screen").catch(() => null);
      this.#lock?.release();
      this.#lock = lock ?? null;
    }
    if (!this.isOn || document.hidden) {
      this.#lock?.release();
      this.#lock = null;
    }
  }
}
