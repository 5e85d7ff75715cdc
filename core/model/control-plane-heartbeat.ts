/** The internal resource type, of Global scope, with one row for each control plane instance; its name is the instance id. */
export const CONTROL_PLANE_HEARTBEAT = "ControlPlaneHeartbeat";

/** A sign of life of one control plane, written about every 30 s. */
export interface HeartbeatSpec {
  /** When it was written by the writer's wall clock; milliseconds since 1970. */
  readonly time: number;
  /** The same on the observed clock: milliseconds during which some control plane was up. */
  readonly observed: number;
  /** When the instance started; milliseconds since 1970. */
  readonly started: number;
  /** True in the last row of an instance that stopped in an orderly way. */
  readonly stopped: boolean;
}
