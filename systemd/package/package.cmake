# `cpack -G DEB` in the build folder, or scripts/package, which also makes it reproducible.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pghangd)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the pghangd authors <pghangd@users.noreply.github.com>")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE https://github.com/pghangd/pghangd)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "explains why a PostgreSQL backend cannot be terminated")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "pghangd runs beside PostgreSQL. It finds backends that match your rules,
sends cancel, then terminate, and verifies what became of it. For a backend
that does not obey it reads the user stack and the system call it waits in,
without stopping it, says why it cannot die and what would free it, and
exports all of that to Prometheus, as JSON and to the journal.

It sends no signal until its configuration says so, and never SIGKILL.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Those of the maintainer scripts; the database may be on this host or not.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, prometheus, libdebuginfod1")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/conffiles
  ${CMAKE_CURRENT_LIST_DIR}/postinst
  ${CMAKE_CURRENT_LIST_DIR}/prerm
  ${CMAKE_CURRENT_LIST_DIR}/postrm)
configure_file(${CMAKE_CURRENT_LIST_DIR}/prepare.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/prepare.cmake @ONLY)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_BINARY_DIR}/prepare.cmake)
include(CPack)
