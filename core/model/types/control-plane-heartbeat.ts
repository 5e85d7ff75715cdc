import { CONTROL_PLANE_HEARTBEAT, type HeartbeatSpec } from "../control-plane-heartbeat.ts";
import { defineInternalType } from "../internal-type.ts";

/** A sign of life of one control plane. */
export const controlPlaneHeartbeatType = defineInternalType<HeartbeatSpec>(CONTROL_PLANE_HEARTBEAT, "Global");
