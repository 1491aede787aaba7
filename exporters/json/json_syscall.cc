#include <boost/json.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::array peers_array(const std::vector<RelatedProcess>& processes) {
  json::array peers;
  for (const RelatedProcess& process : processes) {
    json::object object = related_object(process);
    object["address"] = json_string_or_null(process.address);
    peers.emplace_back(std::move(object));
  }
  return peers;
}

json::value queues_value(const std::optional<SocketQueues>& queues) {
  if (!queues) return nullptr;
  return json::object{{"receive", queues->receive}, {"send", queues->send}};
}

json::object fd_object(const FdTarget& fd) {
  return {
      {"number", fd.number},
      {"kind", to_string(fd.kind)},
      {"target", json_string_or_null(fd.target)},
      {"detail", json_string_or_null(fd.detail)},
      {"events", json_string_or_null(fd.events)},
      {"mount", json_string_or_null(fd.mount)},
      {"fs_type", json_string_or_null(fd.fs_type)},
      {"device", json_string_or_null(fd.device)},
      {"block_device", json_string_or_null(fd.block_device)},
      {"backing", json_string_or_null(fd.backing)},
      {"servers", peers_array(fd.servers)},
      {"servers_certain", fd.servers_certain},
      {"fuse_connection",
       fd.fuse_connection == 0 ? json::value() : json::value(fd.fuse_connection)},
      {"protocol", json_string_or_null(fd.protocol)},
      {"local", json_string_or_null(fd.local)},
      {"remote", json_string_or_null(fd.remote)},
      {"socket_state", json_string_or_null(fd.state)},
      {"queues", queues_value(fd.queues)},
      {"lock", json_string_or_null(fd.lock)},
      {"deleted", fd.deleted},
      {"members", nullptr},
      {"peers", peers_array(fd.peers)},
  };
}

}  // namespace

json::value syscall_value(const std::optional<Syscall>& syscall) {
  if (!syscall) return nullptr;
  json::array args;
  for (const std::string& arg : syscall->args)
    args.emplace_back(json_string(arg));
  json::object object{
      {"number", syscall->number},
      {"name", json_string(syscall->name)},
      {"args", std::move(args)},
      {"text", json_string(syscall->text)},
      {"at_least_seconds", json_number(syscall->at_least_seconds)},
      {"at_least_source", json_string_or_null(syscall->at_least_source)},
      {"fd", syscall->fd ? json::value(fd_object(*syscall->fd)) : json::value()},
      {"polled", nullptr},
  };
  if (syscall->members.empty()) return object;
  json::array members;
  for (const FdTarget& member : syscall->members)
    members.emplace_back(fd_object(member));
  // Those of an eventpoll belong to its descriptor; poll() and select() have none of their own.
  if (syscall->fd) {
    object["fd"].as_object()["members"] = std::move(members);
  } else {
    object["polled"] = std::move(members);
  }
  return object;
}

}  // namespace pghang
