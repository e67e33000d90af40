# The target `doc`: guide and reference as HTML in the build folder's doc/html, where Doxygen is found. A warning
# fails it.
find_package(Doxygen 1.9.4 QUIET)
find_program(CORDIS_AWK awk)
mark_as_advanced(CORDIS_AWK)
if(NOT DOXYGEN_FOUND OR NOT CORDIS_AWK)
  message(STATUS "no Doxygen: without the target doc")
  return()
endif()
set(doc_folder ${PROJECT_BINARY_DIR}/doc)
# The rooms whose functions users call; contract, cpu and cuda hold what ops call, of which these files are public.
set(doc_inputs config.hpp core autograd op nn optim io data train models ecg hdf5 mpi nccl onnx
  contract cuda/runtime.hpp cuda/graph.hpp)
list(TRANSFORM doc_inputs REPLACE "(.+)" "\"${PROJECT_SOURCE_DIR}/include/cordis/\\1\"")
set(doc_main ${PROJECT_SOURCE_DIR}/examples/guide/README.md)
list(APPEND doc_inputs "\"${PROJECT_SOURCE_DIR}/examples/guide\"")
list(JOIN doc_inputs " " doc_inputs)
configure_file(cmake/Doxyfile.in doc/Doxyfile @ONLY)
add_custom_target(doc COMMAND Doxygen::doxygen ${doc_folder}/Doxyfile VERBATIM
  COMMENT "Documentation: ${doc_folder}/html/index.html")
