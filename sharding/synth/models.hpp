#pragma once

#include "sharding/synth/scene.hpp"

namespace dusk::synth {

/// Buildings, walls, green and furniture.
void add_building(Mesh& mesh, const Frame& frame, const Object& object);
void add_boundary(Mesh& mesh, const Frame& frame, const Object& object);
void add_tree(Mesh& mesh, const Frame& frame, const Object& object);
void add_furniture(Mesh& mesh, const Frame& frame, const Object& object);

/// Cars, trucks, buses and trams; their lamps shine at night.
void add_vehicle(Mesh& mesh, const Frame& frame, const Object& object);

/// Persons, bicycles and motorcycles, with or without a rider.
void add_person(Mesh& mesh, const Frame& frame, const Object& object);
void add_two_wheeler(Mesh& mesh, const Frame& frame, const Object& object);

/// The whole scene. Lamps are included whatever the time of day.
[[nodiscard]] Mesh build_mesh(const Scene& scene);

}  // namespace dusk::synth
